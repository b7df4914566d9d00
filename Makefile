.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP_LOG := $(VENV)/pip.log
PIP := $(BIN)/pip install --disable-pip-version-check --constraint constraints.txt
export PATH := $(CURDIR)/$(BIN):$(PATH)

help:  ## what each word does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(STAMP)  ## a virtual environment in .venv, with pinned versions

$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into $(VENV), which takes minutes the first time; what pip says: $(PIP_LOG)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) "torch==2.13.0" > $(PIP_LOG) 2>&1 || { cat $(PIP_LOG) >&2; exit 1; }
	@$(PIP) --editable ".[dev,slurm]" >> $(PIP_LOG) 2>&1 || { cat $(PIP_LOG) >&2; exit 1; }
	@touch $(STAMP)

demo: install  ## the whole laboratory on handwritten digits: a table, and a report that opens offline
	@snakemake --configfile workflow/config/demo.yaml --workflow-profile workflow/profiles/default
	@python -m ib_analysis show_information --table results/demo/information.csv --report results/demo/report.html

test: install  ## every test that needs no cluster
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-cluster: install  ## the tests on a real SLURM, which it installs (Debian, Ubuntu) and starts; as root
	tests/cluster/single_node_slurm.sh install
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/cluster -m slurm -rs -s

lint: install  ## style, types, import contracts, workflow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow
	@snakemake --lint --configfile workflow/config/demo.yaml

bench: install  ## speed and memory as ratios in one run; writes results/benchmarks/summary.json
	$(BIN)/python -m benchmarks

bench-quick: install  ## the same, smaller
	$(BIN)/python -m benchmarks --quick

check-gpu: install  ## trains, fits and draws on a GPU, where there is one
	$(BIN)/python -m benchmarks.gpu_check

bench-gpu: install  ## checks and times the whole GPU path; writes results/benchmarks/gpu.json
	$(BIN)/python -m benchmarks.gpu

gallery-gpu: install  ## CIFAR-10 at 32x32 on a GPU, 8 minutes a call: what each layer keeps; results/gallery
	$(BIN)/python -m benchmarks.gpu_gallery --out results/gallery
	$(BIN)/python -m benchmarks.gpu_gallery_figures results/gallery results/gallery

screenshots: install  ## docs/images/report-*.png of the demo's report, by a Chromium of the system
	$(BIN)/python -m tests.browser.screenshots results/demo/report.html docs/images

schema:  ## regenerate the JSON schema and the key lists of the configurations
	$(BIN)/python -m ib_analysis.schema

.PHONY: help install demo test test-cluster lint bench bench-quick check-gpu bench-gpu gallery-gpu screenshots schema

"""Stages whose address space ends a little above what they hold: each says so in a sentence with a remedy."""

import json
import os
import subprocess
import sys

import pytest
from PIL import Image

SCRIPT = """
import os, resource, sys
from importlib import import_module
from json import loads
import torch._dynamo  # which an optimizer imports
from ib_analysis.__main__ import main
from ib_analysis.provenance import stage_digest

jobs, folder = loads(sys.argv[1]), sys.argv[2]
os.chdir(folder)
for words, _ in jobs:  # what a stage imports is there, so that the limit is met by its work
    import_module(f"ib_analysis.stages.{words[0]}")
    stage_digest(words[0], loads(words[words.index("--spec") + 1]))
for words, megabytes in jobs:
    if not os.fork():  # a process of its own, without what others have freed
        if megabytes:
            pages = int(open("/proc/self/statm").read().split()[0])
            resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + megabytes * 2**20,) * 2)
        code = main(words)
        sys.stderr.flush()
        os._exit(code)
    print(words[0], megabytes, os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
FIT = {"steps": 2, "batch_size": 16, "evaluate_every": 2}
LARGE = {"kind": "pixelcnn_pp", "filters": 48, "layers": 2, "mixtures": 2, "dropout": 0.0}


def words(stage, slice_, **paths):
    options = [text for name, path in paths.items() for text in (f"--{name}", path)]
    return [stage, "--spec", json.dumps(slice_), *options]


def described(kind, spec):
    return {"implementation": kind, "spec": spec}


@pytest.mark.skipif(sys.platform != "linux", reason="the address space is limited and read as Linux does it")
def test_each_stage_says_that_the_memory_is_full(tmp_path):
    # 256 images ask for 240 MB at once: more than the parent can have freed, which would serve its children.
    fields = {"kind": "known_information", "count": 1500, "size": 16, "channels": 1}
    known = {"dataset": described("ib_analysis.datasets.known_information:KnownInformation", fields)}
    folder = {"dataset": described("ib_analysis.datasets.image_folder:ImageFolder", {"folder": "large"})}
    decoder = described("decoders.pixelcnn_pp.decoder:PixelCNNPP", LARGE)
    fit = {"variant": "measurement", "decoder": decoder, "fit": FIT, "share": 1.0}
    for name in ("large/a", "large/b"):
        (tmp_path / name).mkdir(parents=True)
        Image.new("L", (8000, 8000)).save(tmp_path / name / "0.png")
    data = {"dataset": "known/header.json"}
    scratch = {"scratch": "scratch", "out": "decoder"}
    fitting = [*words("fit_marginal", fit, **data, **scratch), "--pretrained"]
    slice_ = {"variant": "measurement", "decoder": decoder}
    evaluating = words("evaluate_marginal", slice_, **data, decoder="decoder", out="nats.npz")
    jobs = [
        (words("prepare_dataset", folder, out="prepared"), 40),
        (words("prepare_dataset", known, out="known"), 0),
        *((fitting, megabytes) for megabytes in (1, 8, 0)),
        *((evaluating, megabytes) for megabytes in (1, 8, 0)),
    ]
    arguments = [json.dumps(jobs), str(tmp_path)]
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in run.stderr, run.stderr
    codes = [
        int(line.split()[-1])
        for line in run.stdout.splitlines()
        if line.split()[0] in {w[0] for w, _ in jobs}
    ]
    assert codes == [int(megabytes > 0) for _, megabytes in jobs], run.stdout + run.stderr
    said = [line for line in run.stderr.splitlines() if line.startswith("ib-analysis: ")]
    assert "large/a/0.png: asks for more memory than there is" in said[0]
    assert "run fewer jobs at once" in said[0]
    assert all("the memory is full (" in line and "lower batch_size" in line for line in said[1:])
    assert len(said) == sum(codes)

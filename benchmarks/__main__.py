"""python -m benchmarks [--quick] [--device cuda]: every figure beside its goal, and results/benchmarks/summary.json."""

import platform
from pathlib import Path
from typing import Any

import torch

from benchmarks import plane, sampling, start_up, training_step
from benchmarks.measurement import Measurement, arguments, print_table
from ib_analysis.artefacts import write_json
from ib_analysis.provenance import installed_versions

SUMMARY = Path("results/benchmarks/summary.json")
MODULES = (training_step, sampling, start_up, plane)


def main() -> None:
    options = arguments(__doc__ or "")
    rows: list[Measurement] = []
    for module in MODULES:
        found = module.measure(options.quick, options.device)
        print_table(found)
        rows += found
    write_json(SUMMARY, [row._asdict() | {"machine": machine(options.device)} for row in rows])
    print(f"\n{SUMMARY}")


def machine(device: str) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else platform.machine(),
        "threads": torch.get_num_threads(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "versions": installed_versions(),
    }


if __name__ == "__main__":
    main()

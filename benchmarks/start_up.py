"""What a process costs before it works: seconds of a Python that imports nothing, the configuration, or torch.

python -m benchmarks.start_up [--quick]
"""

import subprocess
import sys
from functools import partial

from benchmarks.measurement import Measurement, arguments, interleaved_seconds, print_table

COMMAND = "python -m benchmarks.start_up"
IMPORTS = {
    "python": "pass",
    "configuration": "import ib_analysis.experiment, ib_analysis.provenance",
    "fit_stage": "import ib_analysis.stages.fit_decoders, decoders.pixelcnn_pp.decoder",
}


def measure(quick: bool = False, device: str = "cpu") -> list[Measurement]:
    actions = {
        name: partial(subprocess.run, [sys.executable, "-c", code], check=True)
        for name, code in IMPORTS.items()
    }
    times = interleaved_seconds(actions, 2 if quick else 5)
    return [Measurement(f"start_up_{name}", value, "s", None, COMMAND) for name, value in times.items()]


if __name__ == "__main__":
    print_table(measure(arguments(__doc__ or "").quick))

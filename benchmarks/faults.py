"""python -m benchmarks.faults [PART ...] [--kills 50] [--fills 20] [--flips 1000] [--mistakes 100] [--points 600]

The campaign of faults, a summary line a part: readers (flipped bits and truncations of every kind of file), images (odd
files in a folder of classes), kills (kill -9 at random moments), fills (a disk that is full at random moments; needs
root, for a file system of its own), twins (two runs at once), configurations (mistakes), memory (against the number of
points). Results after kills, fills and twins equal those without them, bit for bit.
"""

import argparse
import csv
import io
import logging
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from benchmarks.damage import (
    REFUSED,
    SAME,
    SILENT,
    TRACEBACK,
    bits_of_header,
    cuts,
    flips,
    kinds,
    random_bits,
)
from benchmarks.image_faults import read_odd_files
from decoders.categorical import Categorical
from decoders.evaluation import nats_per_example
from decoders.fitting import fit
from decoders.pairs import TensorPairs
from decoders.saving import load_decoder, save_decoder
from decoders.spec import CategoricalSpec, FitSpec, LabelTarget
from ib_analysis.errors import UserError
from ib_analysis.experiment import load_experiment

ROOT = Path(__file__).resolve().parents[1]
FIT = {"steps": 10, "batch_size": 16, "learning_rate": 4.0e-3, "evaluate_every": 5}
EXPERIMENT: dict[str, Any] = {
    "name": "faults",
    "dataset": {"kind": "digits", "images": 200},
    "encoders": {
        "net": {
            "architecture": {"kind": "resnet", "blocks": [1, 1], "widths": [4, 8], "bottleneck": 4},
            "regimes": {
                "classifier": {"epochs": 2, "batch_size": 32, "learning_rate": 0.05},
                "autoencoder": {"epochs": 2, "batch_size": 32, "learning_rate": 0.05},
            },
            "epochs": [0, 2],
            "taps": ["h1"],
        }
    },
    "decoders": {
        "image": {"kind": "pixelcnn_pp", "filters": 4, "layers": 1, "mixtures": 1, "context_filters": 4},
        "image_fit": FIT,
        "label_fit": FIT,
    },
    "controls": {"shuffled": True, "identity": False, "epochs": [2], "taps": ["h1"]},
    "samples": {"images": 2, "draws": 1, "unconditional": 2},
}
TIMES = {"seconds", "time [s]"}
"""Columns that are other ones in every run."""
PARTS = ("readers", "images", "configurations", "memory", "kills", "fills", "twins")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=PARTS, choices=[*PARTS, []], metavar="PART")
    for name, number in {"kills": 50, "fills": 20, "flips": 1000, "mistakes": 100, "points": 600}.items():
        parser.add_argument(f"--{name}", type=int, default=number)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        laboratory = Laboratory(Path(folder))
        lines = {
            "readers": lambda: damage_readers(Path(folder) / "readers", options.flips),
            "images": lambda: read_odd_files(Path(folder) / "images"),
            "configurations": lambda: mistake_configurations(options.mistakes),
            "memory": lambda: measure_memory(options.points),
            "kills": lambda: kill(laboratory, options.kills),
            "fills": lambda: fill_the_disk(laboratory, options.fills),
            "twins": lambda: run_twice_at_once(laboratory),
        }
        for part in options.parts:
            print(f"{part}: {lines[part]()}", flush=True)


def damage_readers(folder: Path, count: int) -> str:
    """Every bit of each header, `count` random bits and a quarter as many truncations of each kind of file."""
    ours, of_user, headers = Counter[str](), Counter[str](), 0
    for number, kind in enumerate(kinds()):
        bits = bits_of_header(kind, folder / f"{number}-header")
        found = [
            flips(kind, folder / f"{number}-flips", random_bits(count, number)),
            cuts(kind, folder / f"{number}-cuts", count // 4, number),
        ]
        if bits <= 20_000:
            found.append(flips(kind, folder / f"{number}-bits", iter(range(bits))))
            headers += bits
        for outcomes in found:
            (of_user if kind.of_user else ours).update(outcomes.counts)
            if outcomes.first:
                print(f"  {kind.name}: {outcomes.first}")
    return (
        f"{ours.total()} damaged copies of {sum(not kind.of_user for kind in kinds())} kinds that a run writes: "
        f"{ours[REFUSED]} refused in a sentence, {ours[SAME]} with the same content, {ours[SILENT]} used silently, "
        f"{ours[TRACEBACK]} tracebacks; {of_user.total()} of {sum(kind.of_user for kind in kinds())} kinds that a user "
        f"gives: {of_user[REFUSED]} refused, {of_user[TRACEBACK]} tracebacks; {headers} of all were the bits of headers"
    )


def mistake_configurations(count: int) -> str:
    """Mistakes put into a valid configuration; each must be one sentence that names the place."""
    load_experiment(EXPERIMENT)
    mistakes = list(_mistakes(EXPERIMENT))
    random.Random(0).shuffle(mistakes)
    outcomes, shown = Counter[str](), []
    for place, config in mistakes[:count]:
        try:
            load_experiment(config)
            outcomes["accepted"] += 1
            shown.append(place)
        except UserError as error:
            named = place.split(".")[-1] in str(error) or place.split(".")[0] in str(error)
            outcomes["named" if named and "\n" not in str(error) else "not named"] += 1
            shown += [] if named else [f"{place}: {error}"]
        except Exception as error:
            outcomes["traceback"] += 1
            shown.append(f"{place}: {error!r}")
    for what in shown:
        print(f"  {what}")
    return (
        f"{outcomes.total()} mistakes: {outcomes['named']} refused in a sentence that names the field, "
        f"{outcomes['not named']} without it, {outcomes['accepted']} accepted, {outcomes['traceback']} tracebacks"
    )


def _mistakes(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Copies of the configuration with one value that no field accepts, or one key too many or too few."""
    for path in _paths(config):
        section, key = _section(config, path[:-1]), path[-1]
        value = section[key]
        wrong: list[Any] = [{"no": "such"}, "?!", float("nan"), 1e400]
        if isinstance(value, bool):
            wrong += [2, []]
        elif isinstance(value, int | float):
            wrong += [-1e9, "many", [value, value], True, -1]
        elif isinstance(value, str):
            wrong += [7, True, [value], "two words"]
        for other in wrong:
            copy = deepcopy(config)
            _section(copy, path[:-1])[key] = other
            yield ".".join(map(str, path)), copy
    for path in _sections(config):
        copy = deepcopy(config)
        _section(copy, path)["no_such_key"] = 1
        yield ".".join([*map(str, path), "no_such_key"]), copy


def _paths(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        if isinstance(value, dict | list):
            yield from _paths(value, (*at, key))
        else:
            yield (*at, key)


def _sections(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict):
        yield at
        for key, value in node.items():
            yield from _sections(value, (*at, key))


def _section(config: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        config = config[key]
    return config


def measure_memory(points: int) -> str:
    """Memory of one process against the points that it has fitted, evaluated, written and read."""
    target = torch.randint(0, 3, (300,), generator=torch.Generator().manual_seed(0))
    h = torch.randn(300, 8, generator=torch.Generator().manual_seed(1))
    used = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "decoder.safetensors"
        for _ in range(points):
            decoder = Categorical(CategoricalSpec(), LabelTarget(classes=3), (8,))
            fit(decoder, TensorPairs(target, h), FitSpec(steps=4, evaluate_every=2), label="point")
            save_decoder(decoder, path)
            nats_per_example(load_decoder(path), TensorPairs(target, h), "cpu")
            used.append(_resident())
    later = np.array(used[points // 2 :]) / 1e3  # the first ones fill the caches of torch
    slope, stderr = _slope(later)
    verdict = "no growth" if slope <= 2 * stderr else "growth"
    return f"{slope:.2f} kB a point +- {stderr:.2f} over {len(later)} points ({verdict}), at {later[-1] / 1e3:.0f} MB"


def _slope(values: Any) -> tuple[float, float]:
    """Least-squares slope, and its error from the spread of the slopes of four blocks."""
    blocks = [np.polyfit(range(len(block)), block, 1)[0] for block in np.array_split(values, 4)]
    slope = float(np.polyfit(range(len(values)), values, 1)[0])
    return slope, float(np.std(blocks, ddof=1) / 2)


def _resident() -> int:
    """Bytes of this process in memory now."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * resource.getpagesize()


class Laboratory:
    """A folder in which the experiment runs, and what its results are without any fault."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "faults.yaml"
        self.config.write_text(yaml.safe_dump(EXPERIMENT))
        self._reference: dict[str, Any] = {}
        self.seconds = 0.0

    @property
    def reference(self) -> dict[str, Any]:
        """The results of a run without a fault, which also tells how long one takes."""
        if not self._reference:
            start = time.monotonic()
            run = self.start("reference")
            output, _ = run.communicate()
            assert run.returncode == 0, output
            self.seconds = time.monotonic() - start
            self._reference = results(self.folder / "reference")
        return self._reference

    def start(self, name: str) -> subprocess.Popen[str]:
        """Snakemake in a folder and a session of its own."""
        (self.folder / name).mkdir(exist_ok=True)
        command = [str(Path(sys.executable).with_name("snakemake")), "--nocolor", "--cores", "1"]
        command += ["--snakefile", str(ROOT / "Snakefile"), "--configfile", str(self.config)]
        command += ["--workflow-profile", str(ROOT / "workflow/profiles/default"), "--directory", name]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CI": "1"}
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, name: str) -> tuple[bool, str]:
        """Whether the same command now ends well, and with the results of a run without a fault."""
        run = self.start(name)
        output, _ = run.communicate()
        return run.returncode == 0 and results(self.folder / name) == self.reference, output


def results(folder: Path) -> dict[str, Any]:
    """Every table without its times, every array and every file of weights of a finished run, by their bytes."""
    found: dict[str, Any] = {}
    home = folder / "results" / EXPERIMENT["name"]
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if name.startswith(("scratch", "logs", "benchmarks")):
            continue
        if path.suffix == ".csv":
            found[name] = _without_times(path.read_text())
        elif path.suffix == ".npz":
            with np.load(path) as archive:
                found[name] = {key: archive[key].tobytes() for key in archive.files}
        elif path.suffix in (".npy", ".safetensors"):
            found[name] = path.read_bytes()
    return found


def _without_times(text: str) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(text))
    return [{name: cell for name, cell in row.items() if name not in TIMES} for row in rows]


def kill(laboratory: Laboratory, count: int) -> str:
    """kill -9 of Snakemake and its jobs at random moments, until so many were hit; each run is then finished."""
    tables, draws = len(laboratory.reference), random.Random(0)
    killed, runs, equal = 0, 0, 0
    while killed < count:
        name = f"killed-{runs}"
        while killed < count:
            run = laboratory.start(name)
            if _ends_within(run, draws.uniform(0.02, 0.25) * laboratory.seconds):
                break
            os.killpg(run.pid, signal.SIGKILL)
            run.communicate()
            killed += 1
        same, output = laboratory.finish(name)
        runs, equal = runs + 1, equal + same
        if not same:
            print(output[-2000:])
        shutil.rmtree(laboratory.folder / name)
    return f"{killed} kills in {runs} runs: {equal} of them ended with all {tables} files of results as without a kill"


def fill_the_disk(laboratory: Laboratory, count: int) -> str:
    """The file system of the results is full from a random moment on, until the run ends; then there is room again."""
    if os.geteuid() != 0:
        return "not run: a file system of its own needs root"
    files, draws = len(laboratory.reference), random.Random(1)
    filled, runs, equal, said = 0, 0, 0, Counter[str]()
    while filled < count:
        name = f"full-{runs}"
        room = laboratory.folder / name / "results"
        room.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", room], check=True)
        try:
            while filled < count:
                run = laboratory.start(name)
                if _ends_within(run, draws.uniform(0.02, 0.25) * laboratory.seconds):
                    break
                said.update(_end_without_room(run, room / "filler"))
                filled += 1
            same, output = laboratory.finish(name)
        finally:
            subprocess.run(["umount", "-l", room], check=True)
        runs, equal = runs + 1, equal + same
        if not same:
            print(output[-2000:])
        shutil.rmtree(laboratory.folder / name)
    return (
        f"{filled} full disks in {runs} runs: {said['sentence']} said so in a sentence, {said['ended']} were of a run "
        f"that needed no more room, {said['traceback']} showed a traceback, {said['other']} said something else; with "
        f"room again {equal} runs ended with all {files} files of results as without the fault"
    )


def _ends_within(run: subprocess.Popen[str], seconds: float) -> bool:
    try:
        run.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_without_room(run: subprocess.Popen[str], filler: Path) -> list[str]:
    """What a run says that ends on a full disk; the disk has room again afterwards."""
    _fill(filler)
    output, _ = run.communicate()
    filler.unlink()
    said = {
        "ended": run.returncode == 0,
        "traceback": _shows_a_traceback(output),
        "sentence": "the disk is full" in output,
    }
    found = [name for name, holds in said.items() if holds] or ["other"]
    if {"traceback", "other"} & {*found}:
        print(output[-2000:])
    return found


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return


def _shows_a_traceback(output: str) -> bool:
    """Whether a stage ended in a traceback."""
    return bool(re.search(r"Traceback \(most recent call last\)", output))


def run_twice_at_once(laboratory: Laboratory) -> str:
    """The same command twice at the same time in one folder, then once alone."""
    files = len(laboratory.reference)
    both = [laboratory.start("twins") for _ in range(2)]
    outputs = [run.communicate()[0] for run in both]
    ended = sum(run.returncode == 0 for run in both)
    tracebacks = sum(_shows_a_traceback(output) for output in outputs)
    same, output = laboratory.finish("twins")
    if not same:
        print(output[-2000:])
    return f"2 runs at once: {ended} ended well, {tracebacks} showed a traceback; the next run " + (
        f"has all {files} files of results as a run alone" if same else "differs from a run alone"
    )


if __name__ == "__main__":
    main()

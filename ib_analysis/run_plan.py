"""Before a run, in one table: what will be made, how many decoders are fitted, and how long that takes here.

Seconds of a job are those that earlier jobs of its rule took on this machine, as the benchmarks of the experiment say.
Where there are none, a fit takes its steps at the seconds a step that were just measured (`stages/measure_steps.py`),
and of other jobs only the start of their process is foreseen, as it was measured with the steps.
"""

import csv
import json
import statistics
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from ib_analysis.artefacts import read_json
from ib_analysis.experiment import Experiment
from ib_analysis.sections.presets import WIDTHS
from ib_analysis.studies.specs.studies import StudiesSpec

PARTS = {
    "images, divided into three parts": ("prepare_dataset",),
    "networks, trained or read": ("train_encoder",),
    "decoders of p(x) and p(x|y)": ("fit_pretrained", "fit_marginal", "fit_class_decoder"),
    "decoders of p(x|h) and p(y|h)": ("fit_decoders",),
    "nats of every evaluation image": (
        "evaluate_marginal",
        "evaluate_decoders",
        "evaluate_own_images",
        "mix_marginal",
    ),
    "decoders of codes of known information": ("measure_calibration",),
    "images drawn, and a network that judges them": (
        "draw_marginal",
        "draw_samples",
        "train_judge",
        "tabulate_forgetting",
    ),
    "other estimators": ("estimate_baselines",),
    "laws that information obeys": ("measure_consistency",),
    "cases of known information": ("validate_case",),
    **{f"pieces of {study}": (f"run_study/{study}",) for study in StudiesSpec.model_fields},
}
"""The kinds of jobs that take long, by what they make; all others make tables, figures and the report."""
OTHERS = "tables, figures, the report"
LONGEST_SECONDS = 30
"""After so long the steps are not measured: the run begins without a time."""
OFF_DEVICE = ("prepare_dataset",)
"""The rules among them that do not compute on the device."""
LONG_SECONDS, ASLEEP_PERCENT = 60.0, 10.0
"""A job of more seconds whose mean load on a core is below this was suspended and is no measure of the others."""
FITS = ("fit_pretrained", "fit_marginal", "fit_class_decoder", "fit_decoders", "measure_calibration")
TWO_GROUPS_OF_TWO = 4
"""Rungs of the label, alone and among noise, and of the h of another image, of its class and of any."""
KINDS = {
    "digits": {"channels": 1, "levels": 17, "classes": 10},
    "cifar10": {"channels": 3, "levels": 256, "classes": 10},
    "cifar100": {"channels": 3, "levels": 256, "classes": 100},
    "cinic10": {"channels": 3, "levels": 256, "classes": 10},
}
"""What is known of an image before any is read; its height is in the configuration."""


@dataclass(frozen=True)
class StepSeconds:
    """What one process takes here: a gradient step of each decoder, and its own start."""

    image: float
    label: float
    start: float


def kind_of_job(rule: str, study: str | None) -> str:
    """What foresees the time of a job: its rule, and of a piece of a study the study, for they differ by hours.

    >>> kind_of_job("fit_decoders", None), kind_of_job("run_study", "rir")
    ('fit_decoders', 'run_study/rir')
    """
    return f"{rule}/{study}" if rule == "run_study" else rule


def earlier_seconds(benchmarks: Path, pieces: Mapping[str, Collection[str]]) -> dict[str, float]:
    """The mean seconds of each kind of jobs whose benchmarks lie below that folder, but for suspended ones.

    Args:
        benchmarks: the folder.
        pieces: of each study. A piece of other settings, which is none of them, is passed over.
    """
    found: dict[str, list[float]] = {}
    gone = {
        path
        for study, own in pieces.items()
        for path in (benchmarks / "run_study" / study).glob("*.tsv")
        if path.stem not in own
    }
    kinds = {kind for part in PARTS.values() for kind in part}
    for path in sorted(set(benchmarks.rglob("*.tsv")) - gone):
        words = [*path.relative_to(benchmarks).parts[:-1], path.stem]
        named = (kind_of_job(word, study) for word, study in zip(words, [*words[1:], None]))
        rule = next((kind for kind in named if kind in kinds), None)
        seconds = _seconds(path)
        if rule is not None and seconds is not None:
            found.setdefault(rule, []).append(seconds)
    return {rule: statistics.fmean(values) for rule, values in found.items()}


def _seconds(path: Path) -> float | None:
    """The first column of a benchmark; None where Snakemake was interrupted while it wrote, or the job slept."""
    with path.open(encoding="utf-8") as file:
        row = next(csv.DictReader(file, delimiter="\t"), None)
    try:
        return None if row is None or _slept(row) else float(row["s"])
    except (KeyError, ValueError):
        return None


def _slept(row: Mapping[str, str]) -> bool:
    """Whether a long job hardly computed: it was suspended, or its machine was."""
    try:
        return float(row["s"]) > LONG_SECONDS and float(row["mean_load"]) < ASLEEP_PERCENT
    except (KeyError, ValueError):
        return False


def image_shape(experiment: Experiment, header: Path) -> dict[str, int] | None:
    """Channels, height, width, levels and classes of an image: of the prepared data set, or as its kind says.

    None for images of one's own before they are read.
    """
    if header.exists():
        found = read_json(header)
        shape = {name: int(found[name]) for name in ("channels", "height", "width", "levels")}
        return shape | {"classes": len(found["class_names"])}
    kind, side = experiment.dataset.kind, experiment.dataset.height
    if kind not in KINDS or side is None:
        return None
    return {"height": side, "width": side} | KINDS[kind]


def measured_steps(experiment: Experiment, header: Path, device: str, threads: int) -> StepSeconds | None:
    """Steps of the decoders, measured in a process of their own; None where that cannot be or takes long."""
    shape = image_shape(experiment, header)
    if shape is None:
        return None
    command = [
        sys.executable,
        "-m",
        "ib_analysis",
        "measure_steps",
        "--spec",
        json.dumps(_steps_slice(experiment, shape)),
    ]
    command += ["--device", device, "--threads", str(threads)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return StepSeconds(**json.loads(run.stdout)) if run.returncode == 0 else None


def _steps_slice(experiment: Experiment, shape: Mapping[str, int]) -> dict[str, Any]:
    decoders = experiment.decoders
    return {
        "image": decoders.image.described(),
        "image_fit": decoders.image_fit.model_dump(mode="json"),
        "label": decoders.label.described(),
        "label_fit": decoders.label_fit.model_dump(mode="json"),
        "image_target": {name: shape[name] for name in ("channels", "height", "width", "levels")},
        "label_target": {"classes": shape["classes"]},
    }


def fits_a_job(experiment: Experiment) -> dict[str, float]:
    """How many decoders a job of each rule fits, on average over all jobs that the experiment has."""
    variants = [variant.name for variant in experiment.fitted] + list(experiment.controlled)
    fits = [
        (1 + experiment.dataset.labelled) * len(measured.taps_in(regime))
        for run in map(experiment.with_variant, variants)
        for measured in run.encoders.values()
        for regime in measured.regimes
        for _ in measured.seeds
        for _ in measured.epochs
    ]
    fits += [2 for _ in experiment.identity_networks]
    ladder = experiment.calibration
    rungs = (
        0
        if ladder is None
        else 2 * len(ladder.k_means) + len(ladder.signs) + ladder.rotations + TWO_GROUPS_OF_TWO
    )
    groups = 1 if ladder is None else len(ladder.groups)
    return {
        "fit_pretrained": 1.0,
        "fit_marginal": 1.0,
        "fit_class_decoder": 1.0,
        "fit_decoders": statistics.fmean(fits),
        "measure_calibration": 2.0 * rungs / groups,
    }


def foreseen_seconds(experiment: Experiment, steps: StepSeconds) -> dict[str, float]:
    """Seconds of a job of each rule that fits decoders, by its steps; a fit may stop before its budget."""
    decoders, fits = experiment.decoders, fits_a_job(experiment)
    first = decoders.pretrained_fit.steps if decoders.pretrained_fit else 0
    each = decoders.image_fit.steps * steps.image + decoders.label_fit.steps * steps.label
    return {
        "fit_pretrained": steps.start + first * steps.image,
        "fit_marginal": steps.start + decoders.image_fit.steps * steps.image,
        "fit_class_decoder": steps.start + decoders.image_fit.steps * steps.image,
        "fit_decoders": steps.start + fits["fit_decoders"] / 2 * each,
        "measure_calibration": steps.start + fits["measure_calibration"] / 2 * each,
    }


@dataclass(frozen=True)
class RunPlan:
    """What a run will do.

    Attributes:
        name: of the experiment.
        jobs: by rule.
        fits: in a job of a rule.
        seconds: of a job of a rule, as far as they are foreseen.
        cores: jobs that run at once.
        interval: a sentence on the intervals.
        start: seconds in which a process starts, which is what is known of a job without `seconds`.
        gpus: jobs that compute on a GPU at once; None where none does.
    """

    name: str
    jobs: Mapping[str, int]
    fits: Mapping[str, float]
    seconds: Mapping[str, float]
    cores: int
    interval: str
    start: float = 0.0
    gpus: int | None = None

    @property
    def total_seconds(self) -> float:
        """Seconds of the run: of all jobs on the cores, or of those that wait for a GPU, if that is longer."""
        of_rules = {rule: n * self.seconds.get(rule, self.start) for rule, n in self.jobs.items()}
        on_cores = sum(of_rules.values()) / self.cores
        if self.gpus is None:
            return on_cores
        device = {rule for part in PARTS.values() for rule in part} - set(OFF_DEVICE)
        return max(on_cores, sum(seconds for rule, seconds in of_rules.items() if rule in device) / self.gpus)

    @property
    def is_whole(self) -> bool:
        """Whether the time of every long rule is foreseen."""
        return all(rule in self.seconds for part in PARTS.values() for rule in part if self.jobs.get(rule))

    def table(self) -> str:
        """The table for the terminal, with the time of the whole and what to expect of an interval."""
        lines = [self._line(words, rules) for words, rules in (*PARTS.items(), (OTHERS, self._other_rules()))]
        shown = [line for line in lines if line is not None]
        jobs = sum(self.jobs.values())
        fits = sum(round(count * self.fits.get(rule, 0.0)) for rule, count in self.jobs.items())
        body = tabulate(
            [*shown, ("in all", jobs, fits, self._whole())],
            ("", "jobs", "fits", "time"),
            tablefmt="plain",
            colalign=("left", "right", "right", "left"),
        )
        return f"{self.name}: what will be made\n{body}\n{self.interval}"

    def _other_rules(self) -> tuple[str, ...]:
        named = {rule for part in PARTS.values() for rule in part}
        return tuple(rule for rule in self.jobs if rule not in named)

    def _line(self, words: str, rules: tuple[str, ...]) -> tuple[str, int, int | str, str] | None:
        count = sum(self.jobs.get(rule, 0) for rule in rules)
        if not count:
            return None
        fits = sum(round(self.jobs.get(rule, 0) * self.fits.get(rule, 0.0)) for rule in rules)
        known = [rule for rule in rules if self.jobs.get(rule) and rule in self.seconds]
        seconds = sum(self.jobs[rule] * self.seconds[rule] for rule in known)
        return words, count, fits or "", duration(seconds) if known else ""

    def _whole(self) -> str:
        if not self.total_seconds:
            return ""
        where = f"{self.cores} core{'s' * (self.cores > 1)}"
        if self.gpus is not None:
            where += f", {self.gpus} job{'s' * (self.gpus > 1)} at once on a GPU"
        about = f"about {duration(self.total_seconds)} on {where}"
        return about if self.is_whole else f"{about}, and what has no time above"


def plan_run(
    experiment: Experiment,
    results: Path,
    jobs: Mapping[str, int],
    cores: int,
    device: str | None,
    threads: int,
    gpus: int | None = None,
) -> RunPlan:
    """The plan of a run; steps are measured only where jobs fit decoders and no earlier one tells their seconds.

    Args:
        experiment: what is run.
        results: its folder.
        jobs: numbers of jobs by rule.
        cores: jobs that run at once on this machine.
        device: of the jobs; None where they run elsewhere, so that nothing of this machine tells their time.
        threads: of a job.
        gpus: jobs that compute on a GPU at once; None where none does.
    """
    start = 0.0
    pieces = {name: study.pieces for name, study in experiment.studies.repeated.items()}
    seconds = earlier_seconds(results / "benchmarks", pieces) if device is not None else {}
    if device is not None and any(jobs.get(rule) and rule not in seconds for rule in FITS):
        steps = measured_steps(experiment, results / "dataset/header.json", device, threads)
        if steps is not None:
            start, seconds = steps.start, foreseen_seconds(experiment, steps) | seconds
    interval = expected_interval(experiment, results)
    return RunPlan(experiment.name, jobs, fits_a_job(experiment), seconds, cores, interval, start, gpus)


def expected_interval(experiment: Experiment, results: Path) -> str:
    """A sentence on the width of the intervals: what the last table had, or what decides it."""
    fits = len(experiment.decoders.seeds)
    over = (
        f"evaluation images and {fits} fits a point"
        if fits > 1
        else "evaluation images alone, for a point is one fit"
    )
    widths = _half_widths(results / "information.csv")
    if not widths:
        return f"Intervals (95 %) will be over {over}.\n{_width_of_preset(experiment, results)}"
    return (
        f"Intervals (95 %) will be over {over}.\nIn the last table of this experiment those of I(x;h) reached "
        f"{statistics.median(widths):.2g} bits to each side (median of {len(widths)} points)."
    )


def _width_of_preset(experiment: Experiment, results: Path) -> str:
    """What intervals of known codes had with the preset on images of that size, where it was measured."""
    preset, shape = experiment.decoders.preset, image_shape(experiment, results / "dataset/header.json")
    size = None if shape is None else (shape["channels"], shape["height"], shape["width"])
    bits = None if preset is None or size is None else WIDTHS.get((preset, size))
    if bits is None or size is None:
        return "Their width is known at the end; it falls with 1/sqrt(images)."
    return (
        f"Of codes of known information they reached {bits:.2g} bits to each side (median; preset {preset}, images of "
        f"{'x'.join(map(str, size))}, docs/performance.md)."
    )


def _half_widths(table: Path) -> list[float]:
    """Half the widths of the intervals of I(x;h), in bits; none where there is no table yet."""
    if not table.exists():
        return []
    with table.open(encoding="utf-8") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row.get("quantity") == "I(x;h)" and row.get("bound") != "exact"
        ]
    return [(float(row["high_bits"]) - float(row["low_bits"])) / 2 for row in rows]


def duration(seconds: float) -> str:
    """A time in the largest unit that tells it.

    >>> [duration(s) for s in (0.4, 42, 200, 5400, 7200, 90000, 200000)]
    ['1 s', '42 s', '3 min', '1 h 30 min', '2 h', '25 h', '2 d 8 h']
    """
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = round(minutes / 60)
    if hours < 10:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{hours} h" if hours < 48 else f"{hours // 24} d {hours % 24} h"

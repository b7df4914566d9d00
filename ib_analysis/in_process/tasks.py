"""The tasks of an experiment without Snakemake: the rules of the DAG in an order in which they can run.

Paths and slices are those of `workflow/rules`; `tests/workflow/test_in_process.py` compares both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from decoders.spec import FitSpec
from ib_analysis.experiment import Experiment
from ib_analysis.in_process.task import Paths, Task
from ib_analysis.point import Network
from ib_analysis.sections.calibration import Group
from ib_analysis.variant import MEASUREMENT

FORMATS = ("pdf", "svg", "png")
FIGURES_OF_LABELS = ("information_plane", "plane_frames", "information_curves")
FIGURES = ("tap_curves", "training_curves", "two_stages")
OF_NETWORK = ("rotations", "others")
"""Groups of rungs that take the h of a network."""
# A pass forwards is about a third of a gradient step; a sampled pixel of 16 images is far less.
PASS = 0.35
SAMPLED_PIXEL = 0.01


@dataclass(frozen=True)
class Layout:
    """Where the results of an experiment lie below their folder."""

    root: Path

    @property
    def dataset(self) -> Path:
        """The header of the prepared data set."""
        return self.root / "dataset" / "header.json"

    def checkpoints(self, network: Network) -> Path:
        """The folder of a network's checkpoints."""
        return self.root / "encoders" / _place(network)

    def decoders(self, variant: str, name: str) -> Path:
        """The folder of decoders of that name: pretrained, marginal, classes, or the place of a checkpoint."""
        return self.root / variant / "decoders" / name

    def nats(self, variant: str, name: str, folder: str = "nats") -> Path:
        """Nats of that name: marginal, mixture, or the place of a network."""
        return self.root / variant / folder / f"{name}.npz"

    def samples(self, name: str) -> Path:
        """Samples of that name: marginal, or the place of a network."""
        return self.root / MEASUREMENT.name / "samples" / f"{name}.npz"

    def table(self, name: str) -> Path:
        """The table of that name."""
        return self.root / f"{name}.csv"

    @property
    def report(self) -> Path:
        """The page."""
        return self.root / "report.html"

    @property
    def figures(self) -> Path:
        """The folder of figures."""
        return self.root / "figures"

    def figure(self, stem: str) -> list[Path]:
        """A figure in every format."""
        return [self.figures / f"{stem}.{form}" for form in FORMATS]

    def scratch(self, name: str) -> Path:
        """A folder for what a task keeps of an interrupted run."""
        return self.root / "scratch" / name


def _place(network: Network) -> str:
    return f"{network.encoder}/{network.regime}/seed{network.seed}"


def tasks_of(experiment: Experiment, root: Path, decoder_images: int, evaluation_images: int) -> list[Task]:
    """All tasks of the measurement, its ladder, and its report.

    Args:
        experiment: without controls, baselines, validation, consistency, forgetting and studies, which the DAG runs.
        root: the folder of the results.
        decoder_images: about how many images the decoder part has, for the time left.
        evaluation_images: the same of the evaluation part.
    """
    return [*_Tasks(experiment, Layout(root), decoder_images, evaluation_images)]


@dataclass(frozen=True)
class _Tasks:
    experiment: Experiment
    at: Layout
    decoder_images: int
    evaluation_images: int

    def __iter__(self) -> Iterator[Task]:
        yield self._dataset()
        yield from map(self._network, self.experiment.networks)
        for variant in self._fitted:
            yield from self._fits(variant)
        yield self._mixture()
        for variant in self._fitted:
            yield from (self._evaluation(variant, network) for network in self.experiment.networks)
        if self.experiment.calibration is not None:
            yield from (self._rungs(v, group) for v in self._fitted for group in self._groups)
            yield self._ladder()
        yield self._information()
        if self.experiment.dataset.says_what_was_learned:
            yield from self._both_kinds()
        yield from self._samples()
        yield self._figures()
        yield self._report()

    @cached_property
    def _fitted(self) -> list[str]:
        return [variant.name for variant in self.experiment.fitted]

    @cached_property
    def _groups(self) -> tuple[Group, ...]:
        return () if self.experiment.calibration is None else self.experiment.calibration.groups

    @property
    def _networks(self) -> list[Path]:
        return [self.at.checkpoints(network) for network in self.experiment.networks]

    def _of_epochs(self, variant: str, network: Network) -> list[Path]:
        epochs = self.experiment.measured(network.encoder).epochs
        return [self.at.decoders(variant, f"{_place(network)}/epoch{epoch}") for epoch in epochs]

    @property
    def _all_decoders(self) -> list[Path]:
        networks = self.experiment.networks
        return [path for v in self._fitted for network in networks for path in self._of_epochs(v, network)]

    def _of_fits(self, name: str) -> list[Path]:
        return [self.at.decoders(variant, name) for variant in self._fitted]

    def _nats(self, folder: str = "nats") -> list[Path]:
        networks = self.experiment.networks
        return [self.at.nats(variant, _place(one), folder) for variant in self._fitted for one in networks]

    @property
    def _mixed(self) -> list[Path]:
        return [self.at.nats(variant, "mixture") for variant in self._fitted]

    @property
    def _ladders(self) -> list[Path]:
        return [self.at.table("calibration")] * (self.experiment.calibration is not None)

    @property
    def _learned(self) -> list[Path]:
        return [self.at.table("learned")] * self.experiment.dataset.says_what_was_learned

    def _dataset(self) -> Task:
        folder = self.at.dataset.parent
        made = tuple(folder / name for name in ("header.json", "images.npy", "labels.npy"))
        slice_ = self.experiment.prepare_dataset()
        return Task("prepare_dataset", "prepare_dataset", slice_, {}, {"out": folder}, made)

    def _network(self, network: Network) -> Task:
        out, name = self.at.checkpoints(network), f"encoders/{_place(network)}"
        weights = [Path(file) for file in self.experiment.weight_files(network.encoder, network.seed)]
        return Task(
            f"train_encoder/{_place(network)}",
            "train_encoder",
            self.experiment.slice_of("train_encoder", *network),
            {"dataset": self.at.dataset},
            {"weights": weights, "scratch": self.at.scratch(name), "out": out},
            (out,),
            sources=tuple(weights),
        )

    def _fits(self, variant: str) -> Iterator[Task]:
        run = self.experiment.with_variant(variant)
        if run.decoders.pretrained_fit is not None:
            yield self._unconditional(
                run, variant, "fit_pretrained", "pretrained", run.decoders.pretrained_fit
            )
        yield self._unconditional(run, variant, "fit_marginal", "marginal", run.decoders.image_fit)
        if run.mixes_classes:
            yield self._unconditional(run, variant, "fit_class_decoder", "classes", run.decoders.image_fit)
        for network in run.networks:
            for epoch in reversed(run.measured(network.encoder).epochs):  # an epoch may start from the next
                yield self._decoders(run, variant, network, epoch)

    def _pretrained(self, variant: str) -> list[Path]:
        wanted = self.experiment.decoders.pretrained_fit is not None
        return [self.at.decoders(variant, "pretrained")] * wanted

    def _unconditional(self, run: Experiment, variant: str, rule: str, name: str, fit: FitSpec) -> Task:
        out = self.at.decoders(variant, name)
        pretrained = [] if rule == "fit_pretrained" else self._pretrained(variant)
        return Task(
            f"{variant}/{rule}",
            "fit_marginal" if rule == "fit_pretrained" else rule,
            run.slice_of(rule),
            {"dataset": self.at.dataset, "pretrained": pretrained},
            {"scratch": self.at.scratch(f"{variant}/decoders/{name}"), "out": out},
            (out,),
            work=_steps(fit),
        )

    def _decoders(self, run: Experiment, variant: str, network: Network, epoch: int) -> Task:
        place = f"{_place(network)}/epoch{epoch}"
        later = run.next_epoch(network.encoder, epoch) if run.decoders.neighbour_fit is not None else None
        out = self.at.decoders(variant, place)
        return Task(
            f"{variant}/fit_decoders/{place}",
            "fit_decoders",
            run.slice_of("fit_decoders", *network, epoch),
            {
                "dataset": self.at.dataset,
                "checkpoints": self.at.checkpoints(network),
                "pretrained": self._pretrained(variant),
                "neighbour": []
                if later is None
                else [self.at.decoders(variant, f"{_place(network)}/epoch{later}")],
            },
            {"scratch": self.at.scratch(f"{variant}/decoders/{place}"), "out": out},
            (out,),
            work=len(run.measured(network.encoder).taps) * 1.1 * _steps(run.decoders.image_fit),
        )

    def _mixture(self) -> Task:
        decoders = self.experiment.decoders
        points, table = decoders.mixture.points > 0, self.at.table("mixture")
        rows = self.evaluation_images + decoders.image_fit.holdout * self.decoder_images
        terms = 1 + decoders.mixture.points * decoders.mixture.nearest
        return Task(
            "mix_marginal",
            "mix_marginal",
            self.experiment.mix_marginal(),
            {
                "dataset": self.at.dataset,
                "checkpoints": self._networks * points,
                "marginals": self._of_fits("marginal"),
                "classes": self._of_fits("classes") * self.experiment.mixes_classes,
                "decoders": self._all_decoders * points,
            },
            {"out": self._mixed, "table": table},
            (*self._mixed, table),
            work=PASS * rows * terms * len(self._fitted) / decoders.image_fit.batch_size,
        )

    def _of_network(self, variant: str, network: Network) -> Paths:
        return {
            "dataset": self.at.dataset,
            "checkpoints": self.at.checkpoints(network),
            "decoders": self._of_epochs(variant, network),
        }

    def _evaluation(self, variant: str, network: Network) -> Task:
        run = self.experiment.with_variant(variant)
        measured, out = run.measured(network.encoder), self.at.nats(variant, _place(network))
        batches = self.evaluation_images / run.decoders.image_fit.batch_size
        return Task(
            f"{variant}/evaluate_decoders/{_place(network)}",
            "evaluate_decoders",
            run.slice_of("evaluate_decoders", *network),
            self._of_network(variant, network),
            {"out": out},
            (out,),
            work=2 * PASS * batches * len(measured.epochs) * len(measured.taps),
        )

    def _rungs(self, variant: str, group: Group) -> Task:
        run, at = self.experiment.with_variant(variant), self.experiment.calibrated_at
        network = [] if at is None or group not in OF_NETWORK else [Network(at.encoder, at.regime, at.seed)]
        out = self.at.root / variant / "calibration" / f"{group}.npz"
        return Task(
            f"{variant}/measure_calibration/{group}",
            "measure_calibration",
            run.measure_calibration(group),
            {
                "dataset": self.at.dataset,
                "checkpoints": [self.at.checkpoints(one) for one in network],
                "pretrained": self._pretrained(variant),
            },
            {"scratch": self.at.scratch(f"{variant}/calibration/{group}"), "out": out},
            (out,),
            work=4 * _steps(run.decoders.image_fit),
        )

    def _ladder(self) -> Task:
        table = self.at.table("calibration")
        rungs = [
            self.at.root / variant / "calibration" / f"{group}.npz"
            for variant in self._fitted
            for group in self._groups
        ]
        return Task(
            "tabulate_calibration",
            "tabulate_calibration",
            {},
            {"dataset": self.at.dataset, "marginal": self._mixed, "rungs": rungs},
            {"table": table, "figure": self.at.figures / "ladder"},
            (table, *self._checks),
            work=20,
        )

    @property
    def _checks(self) -> list[Path]:
        """The figure of the ladder, and its caption."""
        drawn = [*self.at.figure("ladder"), self.at.figures / "ladder.caption.json"]
        return drawn if self.experiment.calibration is not None else []

    def _information(self) -> Task:
        table, two_stages = self.at.table("information"), self.at.table("two_stages")
        return Task(
            "tabulate_information",
            "tabulate_information",
            self.experiment.tabulate_information(),
            {
                "dataset": self.at.dataset,
                "marginal": self._mixed,
                "nats": self._nats(),
                "calibration": self._ladders,
            },
            {"table": table, "two_stages": two_stages},
            (table, two_stages),
        )

    def _both_kinds(self) -> Iterator[Task]:
        """The images that the network has learned on, beside the others."""
        for variant in self._fitted:
            run, out = self.experiment.with_variant(variant), self.at.nats(variant, "marginal")
            inputs = {"dataset": self.at.dataset, "decoder": self.at.decoders(variant, "marginal")}
            slice_ = run.evaluate_marginal()
            yield Task(
                f"{variant}/evaluate_marginal", "evaluate_marginal", slice_, inputs, {"out": out}, (out,)
            )
            for network in run.networks:
                yield self._own_images(run, variant, network)
        table = self.at.table("learned")
        yield Task(
            "tabulate_learned",
            "tabulate_learned",
            {},
            {
                "dataset": self.at.dataset,
                "marginal": [self.at.nats(variant, "marginal") for variant in self._fitted],
                "nats": self._nats(),
                "own_nats": self._nats("nats_on_own_images"),
            },
            {"table": table},
            (table,),
        )

    def _own_images(self, run: Experiment, variant: str, network: Network) -> Task:
        out = self.at.nats(variant, _place(network), "nats_on_own_images")
        return Task(
            f"{variant}/evaluate_own_images/{_place(network)}",
            "evaluate_own_images",
            run.slice_of("evaluate_own_images", *network),
            {
                **self._of_network(variant, network),
                "marginal": self.at.decoders(variant, "marginal"),
            },
            {"out": out},
            (out,),
            work=10,
        )

    def _samples(self) -> Iterator[Task]:
        experiment, settings = self.experiment, self.experiment.samples
        pixels = (experiment.dataset.height or 32) ** 2
        out = self.at.samples("marginal")
        yield Task(
            f"{MEASUREMENT.name}/draw_marginal",
            "draw_marginal",
            experiment.draw_marginal(),
            {"dataset": self.at.dataset, "decoder": self.at.decoders(MEASUREMENT.name, "marginal")},
            {"out": out},
            (out,),
            work=SAMPLED_PIXEL * pixels * settings.unconditional / 16,
        )
        for network in experiment.networks:
            measured, out = experiment.measured(network.encoder), self.at.samples(_place(network))
            drawn = len(measured.epochs) * len(measured.taps) * settings.images * settings.draws
            yield Task(
                f"{MEASUREMENT.name}/draw_samples/{_place(network)}",
                "draw_samples",
                experiment.slice_of("draw_samples", *network),
                self._of_network(MEASUREMENT.name, network),
                {"out": out},
                (out,),
                work=SAMPLED_PIXEL * pixels * drawn / 16,
            )
        yield Task(
            "plot_samples",
            "plot_samples",
            experiment.plot_samples(),
            {"samples": self._drawn, "marginal": self.at.samples("marginal")},
            {"out": self._sheets},
            (self._sheets,),
            work=20,
        )

    @property
    def _drawn(self) -> list[Path]:
        return [self.at.samples(_place(network)) for network in self.experiment.networks]

    @property
    def _sheets(self) -> Path:
        return self.at.figures / "samples"

    def _figures(self) -> Task:
        labelled = self.experiment.dataset.labelled
        suffixes = [f"-{name}" for name in self.experiment.figures_apart] or [""]
        names = (*FIGURES_OF_LABELS * labelled, *FIGURES)
        made = [path for suffix in suffixes for name in names for path in self.at.figure(f"{name}{suffix}")]
        movies = [self.at.figures / f"information_plane{suffix}.gif" for suffix in suffixes * labelled]
        return Task(
            "plot_figures",
            "plot_figures",
            self.experiment.plot_figures(),
            {
                "table": self.at.table("information"),
                "two_stages_table": self.at.table("two_stages"),
                "checkpoints": self._networks,
            },
            {"out": self.at.figures},
            (*made, self.at.figures / "captions.json", *movies),
            work=60,
        )

    def _report(self) -> Task:
        page, tables = self.at.report, self.at.root / "tables"
        return Task(
            "write_report",
            "write_report",
            self.experiment.write_report(),
            {
                "dataset": self.at.dataset,
                "table": self.at.table("information"),
                "two_stages": self.at.table("two_stages"),
                "mixture": self.at.table("mixture"),
                "calibration": self._ladders,
                "figures": [*self._figures().made, *self._checks],
                "sheets": self._sheets,
                "samples": self._drawn,
                "learned": self._learned,
                "checkpoints": self._networks,
                "marginal": self._of_fits("marginal"),
                "decoders": self._all_decoders,
            },
            {"out": page, "tables": tables, "trust": self.at.figures / "trust"},
            (page, *self.at.figure("trust"), tables),
            work=10,
        )


def _steps(fit: FitSpec) -> float:
    """Gradient steps of a fit in those of p(x) with 32 images, its validation included."""
    return 1.15 * fit.steps * fit.batch_size / 32

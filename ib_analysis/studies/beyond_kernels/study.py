"""A residual network, nets without its shortcut, kernels and random features on one target."""

from collections.abc import Iterator, Sequence

from ib_analysis.studies.beyond_kernels import claims, row
from ib_analysis.studies.beyond_kernels.kernel_errors import Linear
from ib_analysis.studies.beyond_kernels.net_errors import Grid
from ib_analysis.studies.beyond_kernels.row import Point
from ib_analysis.studies.specs.beyond_kernels import NETS, SWEEPS, BeyondKernelsStudySpec, Net, Sweep
from ib_analysis.studies.study import Setting, Study
from ib_analysis.studies.verdict import Verdict


class BeyondKernelsStudy(Study):
    """What can ResNet learn efficiently, going beyond kernels? (Allen-Zhu & Li 2019.)

    The study measures error against width, number of vectors and alpha for every method, and the information of each
    layer of the ResNet about F and G(F) during training. Settings are selected on validation vectors for each seed.
    """

    Spec = BeyondKernelsStudySpec
    Row = row.Row
    spec: BeyondKernelsStudySpec

    def measure(self, piece: str, setting: Setting) -> Sequence[row.Row]:
        """The ResNet of one seed with its layers, or one family over one sweep."""
        family, _, part = piece.partition("-")
        if part.startswith("seed"):
            seeds = (int(part.removeprefix("seed")),)
            probed = seeds[0] in self.swept_seeds
            return Grid(self.spec, "resnet", self.point, seeds).measured(setting.device, probed=probed)
        sweep = next(name for name in SWEEPS if name == part)
        points = self.points(sweep)
        if family == "kernels":
            return [found for point in points for found in self._kernels(point, sweep, setting)]
        net = next(name for name in NETS if name == family)
        return [found for point in points for found in self._net(net, point, sweep, setting)]

    def verdicts(self, rows: Sequence[row.Row]) -> Sequence[Verdict]:
        """The claims of the paper (see `claims`)."""
        return claims.verdicts(rows, self.spec)

    @property
    def point(self) -> Point:
        """The reference size, at which all methods are compared."""
        return Point(self.spec.alpha, self.spec.samples, self.spec.width)

    @property
    def swept_seeds(self) -> tuple[int, ...]:
        """Seeds of the sweeps."""
        return self.spec.seeds[: self.spec.sweep_seeds]

    def points(self, sweep: Sweep) -> list[Point]:
        """Sizes of a sweep; the reference size belongs to the widths."""
        if sweep == "widths":
            return [self.point._replace(width=width) for width in self.spec.widths]
        if sweep == "samples":
            found = [self.point._replace(samples=n) for n in self.spec.sample_sizes]
        else:
            found = [self.point._replace(alpha=alpha) for alpha in self.spec.alphas]
        return [point for point in found if point != self.point]

    def _net(self, net: Net, point: Point, sweep: Sweep, setting: Setting) -> list[row.Row]:
        """One net at one size; the ResNet at the reference size has its own pieces."""
        if (net == "resnet" and point == self.point) or (
            net == "net3" and point.width > self.spec.widest_dense
        ):
            return []
        seeds = self.spec.seeds if (net, sweep) == ("resnet", "widths") else self.swept_seeds
        return Grid(self.spec, net, point, seeds).measured(setting.device)

    def _kernels(self, point: Point, sweep: Sweep, setting: Setting) -> Iterator[row.Row]:
        """Closed forms at the reference width; random networks at every width, in the sweep of widths only."""
        for seed in self.spec.seeds if point == self.point else self.swept_seeds:
            methods = Linear(self.spec, point, seed, setting.device)
            if point.width == self.spec.width:
                yield from methods.closed_forms()
            if sweep == "widths" and seed in self.swept_seeds:
                yield from methods.drawn_networks()

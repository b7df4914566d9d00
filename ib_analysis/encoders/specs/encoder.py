"""The base class of every encoder's specification."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from ib_analysis.encoders.specs.training import Regime
from ib_analysis.spec import Spec

Scaling = Literal["none", "uniform", "decreasing"]
"""Scheme of the factors on the residual branches (Hayou et al. 2021)."""


class EncoderSpec(Spec):
    """Specification of an encoder; it names regimes and taps without building the network."""

    regimes: ClassVar[tuple[Regime, ...]] = ()

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """Names of the taps in network order."""
        raise NotImplementedError(f"{type(self).__name__} must name its taps")

    @property
    def is_given(self) -> bool:
        """Whether the weights are given, at any epochs, instead of trained by the workflow."""
        return False

    def weight_files(self, seeds: Sequence[int], epochs: Sequence[int]) -> dict[tuple[int, int], str]:
        """The file of weights of every (seed, epoch); none for a network that the workflow trains."""
        return {}

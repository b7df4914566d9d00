"""The interface of an encoder whose weights are given, not trained by the workflow."""

from abc import abstractmethod
from pathlib import Path

from torch import Tensor

from ib_analysis.encoders.encoder import Encoder


class GivenEncoder(Encoder):
    """An encoder that reads its weights from files and is verified on images before it is measured."""

    @abstractmethod
    def load_weights(self, path: Path) -> None:
        """Takes all weights from the file.

        Raises:
            UserError: the file is missing, unsafe, or does not hold exactly these weights.
        """

    @abstractmethod
    def verify(self, x: Tensor) -> None:
        """Checks on uint8 images (n, C, H, W) that h is a function of its own image alone.

        Raises:
            UserError: it is not; the module that breaks it is named.
        """

    @abstractmethod
    def seen_pixels(self, x: Tensor) -> Tensor | None:
        """Which pixels of uint8 images (n, C, H, W) can change h at any tap, booleans (H, W).

        None where h has no gradient, so that it is not known.
        """

"""The quantities that this laboratory estimates, by the letters of the papers."""

from enum import StrEnum

from ib_analysis.point import Target


class Quantity(StrEnum):
    """x is the image, y its label, h the activations of a layer, u and v any pair; all in nats per sample."""

    IMAGE_ENTROPY = "H(x)"
    IMAGE_CROSS_ENTROPY = "CE(x)"
    CONDITIONAL_IMAGE_CROSS_ENTROPY = "CE(x|h)"
    IMAGE_INFORMATION = "I(x;h)"
    LABEL_ENTROPY = "H(y)"
    CONDITIONAL_LABEL_CROSS_ENTROPY = "CE(y|h)"
    LABEL_INFORMATION = "I(y;h)"
    MUTUAL_INFORMATION = "I(u;v)"

    @property
    def target(self) -> Target:
        """The target of the quantity: the image, or the label."""
        return "image" if self.of_image else "label"

    @property
    def of_image(self) -> bool:
        """Whether the target is the image, so that a value per dimension is defined.

        >>> Quantity.IMAGE_INFORMATION.of_image, Quantity.LABEL_INFORMATION.of_image
        (True, False)
        """
        return "x" in self.value

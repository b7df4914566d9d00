"""The training images that a seed draws from the encoder part."""

import numpy as np

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.training.seeding import derive_seed
from ib_analysis.errors import UserError

IMAGES_OF_A_SEED = 7
"""Random stream that draws the training images of a seed."""


def training_part(part: Part, count: int | None, seed: int, study: str) -> Part:
    """The training images of a seed, the same for all networks: a sample of the encoder part, or all of it.

    Args:
        part: the encoder part.
        count: how many; None: all.
        study: the section whose `training_images` it is, for the message.

    Raises:
        UserError: more images are asked for than there are.
    """
    if count is None:
        return part
    if count > len(part):
        raise UserError(
            f"studies.{study}.training_images: {count} are asked for and the encoder part has {len(part)}; "
            "ask for fewer, or null"
        )
    rng = np.random.default_rng(derive_seed(seed, IMAGES_OF_A_SEED))
    rows = np.sort(rng.permutation(len(part))[:count])
    return Part(part.name, part.images[rows], part.labels[rows])

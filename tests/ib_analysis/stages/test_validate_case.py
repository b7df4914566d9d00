"""Every case gets as many steps; larger images come in smaller batches."""

import pytest

from decoders.spec import FitSpec
from ib_analysis.stages.validate_case import _sized


@pytest.mark.parametrize(("side", "batch"), [(8, 32), (16, 16), (32, 8)])
def test_a_batch_shrinks_with_the_side_of_the_image(side, batch):
    fit = FitSpec(steps=10, batch_size=32)
    assert _sized(fit, side) == fit.model_copy(update={"batch_size": batch})


def test_a_batch_has_an_image_at_least():
    assert _sized(FitSpec(steps=10, batch_size=2), 32).batch_size == 1

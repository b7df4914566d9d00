"""The fixed encoder of known information."""

import pytest
import torch
from pydantic import ValidationError

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.kept_rows import KeptRows
from ib_analysis.encoders.specs.kept_rows import KeptRowsSpec
from ib_analysis.errors import UserError

IMAGE = ImageShape(channels=2, height=6, width=5, levels=17)


def test_a_tap_is_the_top_rows_and_nothing_else():
    encoder = KeptRows(KeptRowsSpec(rows=(1, 4)), "fixed", IMAGE, 3)
    x = torch.randint(0, 17, (7, 2, 6, 5), dtype=torch.uint8)
    h = encoder.activations(x, ["rows4", "rows1"])
    assert list(h) == ["rows1", "rows4"] == [tap.name for tap in encoder.taps]
    for tap in encoder.taps:
        assert tuple(h[tap.name].shape[1:]) == tap.shape
    assert torch.equal(((h["rows4"][:, :2, :4] + 1) * 8).round().to(torch.uint8), x[:, :, :4])
    assert not h["rows4"][:, :, 4:].any()
    assert torch.equal(h["rows1"][0, 2, :, 0], torch.tensor([1.0, 0, 0, 0, 0, 0]))
    changed = x.clone()
    changed[:, :, 4:] = 0
    assert torch.equal(encoder(changed), encoder(x))


def test_it_has_no_parameters():
    assert not list(KeptRows(KeptRowsSpec(), "fixed", IMAGE, 3).parameters())


def test_more_rows_than_the_image_has_are_refused():
    with pytest.raises(UserError, match="7 rows of images of 6"):
        KeptRows(KeptRowsSpec(rows=(2, 7)), "fixed", IMAGE, 3)


@pytest.mark.parametrize("rows", [(4, 2), (2, 2), (0, 1)])
def test_rows_must_rise_from_one(rows):
    with pytest.raises(ValidationError, match="increasing"):
        KeptRowsSpec(rows=rows)

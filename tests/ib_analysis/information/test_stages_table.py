"""The table of the two stages, in bits."""

import math

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.quantity import Quantity
from ib_analysis.information.stages_table import read_stages, stages_row, write_stages
from ib_analysis.information.two_stages import two_stages


def test_a_row_is_in_bits_and_survives_the_disk(tmp_path):
    rng = np.random.default_rng(0)
    marginal = rng.normal(100, 5, size=400)
    gains = {0: 10.0, 1: 30.0, 2: 20.0}
    conditional = [marginal - gain + rng.normal(0, 1, size=400) for gain in gains.values()]
    row = stages_row(
        two_stages(marginal, conditional, [0, 1, 2]), "net", "classifier", 0, "h1", Quantity.IMAGE_INFORMATION
    )
    assert row.peak_epoch == 1
    assert row.fitting_bits == pytest.approx(20 / math.log(2), abs=4 * row.fitting_stderr_bits)
    assert row.compression_bits == pytest.approx(10 / math.log(2), abs=4 * row.compression_stderr_bits)
    assert (row.fitting_verdict, row.compression_verdict) == ("yes", "yes")
    write_stages(tmp_path / "two_stages.csv", [row])
    assert read_stages(tmp_path / "two_stages.csv") == (row,)


def test_a_missing_and_a_broken_table_are_named(tmp_path):
    with pytest.raises(UserError, match="missing"):
        read_stages(tmp_path / "no.csv")
    (tmp_path / "two_stages.csv").write_text("encoder,regime\nnet,classifier\n")
    with pytest.raises(UserError, match=r"two_stages\.csv"):
        read_stages(tmp_path / "two_stages.csv")

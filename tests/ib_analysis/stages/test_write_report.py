"""What the report says of a given network comes from the files of its checkpoints."""

import numpy as np
import pytest

from ib_analysis.artefacts import write_json, write_record
from ib_analysis.encoders.sight import UNKNOWN, Sight, sight_path
from ib_analysis.encoders.training.training_curve import CurveRow, curve_path
from ib_analysis.rows import write_rows
from ib_analysis.stages.write_report import _encoders

WHOLE = np.ones((4, 4), bool)
CROPPED = np.pad(np.ones((2, 2), bool), 1)
STUDY = {
    "architecture": {"kind": "torch_module"},
    "regimes": {"fixed": {}},
    "seeds": [0],
    "epochs": [0],
    "taps": ["h1"],
}


@pytest.mark.parametrize(
    ("seen", "words", "blind"),
    [(WHOLE, "all 4 x 4", 0), (CROPPED, "cannot hold the other 12", 1), (None, UNKNOWN, 0)],
)
def test_only_a_network_that_does_not_see_all_pixels_is_blind(tmp_path, seen, words, blind):
    folder = tmp_path / "seed0"
    folder.mkdir()
    write_json(sight_path(folder), None if seen is None else Sight.of(seen).model_dump())
    write_rows(curve_path(folder), CurveRow, [])
    write_record(folder, {"spec": {"encoder": "mine", "regime": "fixed", "seed": 0}, "inputs": {}})
    (summary,) = _encoders({"encoders": {"mine": STUDY}}, {"mine": "no"}, [folder])
    assert "not learned" in summary.remarks[0]
    assert words in summary.remarks[1]
    assert summary.blind == summary.remarks[1 : 1 + blind]

"""Each interval of a known case comes from cases of other families, and from the same information."""

import json

import numpy as np
import pytest

from ib_analysis.information.inference.calibrated_interval import calibrate
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.validation import ValidationRow, intervals_that_hold
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.stages.tabulate_validation import Spec, run
from ib_analysis.stages.tabulate_validation import with_intervals as with_intervals_of
from ib_analysis.units import bits

IMAGE, LABEL = Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION


def row(case, family, truth, estimate, *, quantity=IMAGE, method="decoders", stderr=0.01, **more):
    of_decoders = (
        {"fitted_bits": estimate, "raw_bits": estimate, "weight": 1.0} if method == "decoders" else {}
    )
    return ValidationRow(
        case=case, family=family, quantity=quantity, method=method, truth_bits=truth, estimate_bits=estimate,
        stderr_bits=stderr, n=500, seconds=1.0, dimensions=64, **(of_decoders | more),
    )  # fmt: skip


def of_family(family, errors, truth=4.0, **more):
    return [row(f"{family}-{k}", family, truth, truth + e, **more) for k, e in enumerate(errors)]


def with_intervals(made):
    """The rows with the intervals that they give each other."""
    return with_intervals_of(made, made)


SMALL = (0.1, -0.1, 0.2, -0.2)
EXACT = [*of_family("Markov", SMALL), *of_family("Teacher", SMALL)]


def test_a_family_that_errs_as_one_is_not_saved_by_its_own_cases():
    """Six of fourteen cases are off by three bits: their own calibration would hold them, that of the others not."""
    made = [*EXACT, *of_family("Factors", (3.0, 3.1, 2.9, 3.0, 3.1, 2.9))]
    found = with_intervals(made)
    assert [r.inside for r in found if r.family == "Factors"] == [False] * 6
    assert all(r.inside for r in found if r.family != "Factors")
    together = calibrate([r.known for r in made])
    assert together.interval(made[-1].known.measured).holds(made[-1].known.low)


def test_the_interval_is_that_of_the_other_families():
    made = [*EXACT, *of_family("Factors", (1.0, -1.0, 0.5))]
    (first, *_) = with_intervals(made)
    others = calibrate([r.known for r in made if r.family != "Markov"]).interval(made[0].known.measured)
    assert (first.low_bits, first.high_bits) == (
        pytest.approx(bits(others.low)),
        pytest.approx(bits(others.high)),
    )


def test_cases_that_do_not_calibrate_leave_every_interval_as_it_is():
    """The interval of a case rests on the known cases of other families, whatever stands beside it in the table."""
    fresh = [row("new", "Tiles", 4.0, 9.0), row("other", "Markov", 4.0, 4.1)]
    first, second = with_intervals_of(fresh, EXACT)
    for found, others in ((first, EXACT), (second, [r for r in EXACT if r.family != "Markov"])):
        wanted = calibrate([r.known for r in others]).interval(found.known.measured)
        assert (found.low_bits, found.high_bits) == (
            pytest.approx(bits(wanted.low)),
            pytest.approx(bits(wanted.high)),
        )
    assert (first.inside, second.inside) == (False, True)
    assert with_intervals_of([*fresh, row("far", "Tiles", 4.0, 90.0)], EXACT)[:2] == [first, second]
    assert with_intervals_of(fresh, fresh) == fresh


def test_images_and_labels_do_not_calibrate_each_other():
    labels = [
        *of_family("Markov", (0.0, 0.001, -0.001), 1.0, quantity=LABEL),
        *of_family("Teacher", (0.0, 0.001, -0.001), 1.0, quantity=LABEL),
    ]
    bad_images = [*of_family("Markov", (4.0, -2.0, 3.0)), *of_family("Teacher", (-3.0, 4.0, 2.0))]
    found = [r for r in with_intervals([*bad_images, *labels]) if r.quantity is LABEL]
    assert all(r.high_bits - r.low_bits < 0.1 for r in found)


def test_what_no_decoder_reads_has_no_interval():
    others = [
        row("Markov-0", "Markov", 4.0, 4.1, method="ksg"),
        row("Markov-0", "Markov", 4.0, 3.9, method="decoders, H(x) known", fitted_bits=None),
        row("Markov-0", "Markov", 9.0, 9.1, quantity=Quantity.IMAGE_CROSS_ENTROPY, fitted_bits=None),
    ]
    found = with_intervals([*EXACT, *others])
    assert [(r.low_bits, r.high_bits, r.inside) for r in found[-3:]] == [(None, None, None)] * 3
    assert found[0].low_bits == pytest.approx(with_intervals(EXACT)[0].low_bits)


def test_fewer_than_three_cases_of_other_families_tell_no_interval():
    made = [*of_family("Markov", SMALL), *of_family("Teacher", SMALL[:2])]
    assert with_intervals(made) == made
    assert with_intervals([*of_family("Markov", SMALL), *of_family("Teacher", SMALL[:3])])[0].inside


def test_the_truth_has_an_error_of_its_own():
    made = [
        *EXACT,
        row("far", "Factors", 8.0, 4.0),
        row("unsure", "Factors", 8.0, 4.0, truth_stderr_bits=2.0),
    ]
    *_, far, unsure = with_intervals(made)
    assert (far.inside, unsure.inside) == (False, True)


def test_the_stage_writes_them_and_counts(tmp_path, capsys):
    rng, job = np.random.default_rng(0), Job("test", {}, "0", "cpu", 1)
    made = [*of_family("Markov", rng.normal(0, 0.2, 8)), *of_family("Teacher", rng.normal(0, 0.2, 8))]
    made.append(row("odd", "Factors", 1.0, 6.0))
    paths = [tmp_path / f"{k}.csv" for k in range(len(made))]
    for path, one in zip(paths, made, strict=True):
        write_rows(path, ValidationRow, [one])
        job.record(path)
    outputs = {"table": tmp_path / "validation.csv", "figure": tmp_path / "calibration"}
    run(Spec(), job, cases=paths, calibrating=paths, **outputs)
    rows = read_rows(tmp_path / "validation.csv", ValidationRow)
    assert rows == tuple(with_intervals(made))
    assert not rows[-1].inside
    held, count = intervals_that_hold(rows)[IMAGE]
    assert count == 17
    assert f"{held} of 17 intervals hold the truth" in capsys.readouterr().out
    assert f"{held} of 17 intervals" in json.loads((tmp_path / "calibration.caption.json").read_text())
    run(Spec(), job, cases=paths[-1:], calibrating=paths[:-1], **outputs)
    assert read_rows(tmp_path / "validation.csv", ValidationRow) == rows[-1:]

"""One figure of trust: a panel of each check that was made, marks where the rows are, filled where they are good."""

from ib_analysis.figures.checks import trust

CODE = {"quantity": "I(x;h)", "truth": "exact", "truth_bits": 4.0, "estimate_bits": 3.0, "low_bits": 2.5}
LADDER = [
    CODE | {"high_bits": 4.5, "inside": True},
    CODE | {"truth_bits": 8.0, "high_bits": 5.0, "inside": False},
    CODE | {"truth": "ceiling", "high_bits": 4.5, "inside": True},
    CODE | {"quantity": "I(y;h)", "high_bits": 4.5, "inside": True},
]
CONTROL = {"quantity": "I(x;h)", "point_bits": 5.0, "change_stderr_bits": 0.1, "verdict": "passes"}
CONTROLS = [
    CONTROL | {"control": "shuffled", "bits": 0.0},
    CONTROL | {"control": "half-width", "bits": 3.0, "verdict": "fails"},
    CONTROL | {"control": "identity", "bits": 90.0},
]
FITS = [
    {"bits": 5.0, "late_gain_bits": 0.1, "near_plateau": True},
    {"bits": 50.0, "late_gain_bits": 2.0, "near_plateau": False},
]


def marks(axes):
    found = {}
    for collection in axes.collections:
        found.setdefault(collection.get_gid(), []).extend(collection.get_offsets().tolist())
    return found


def test_each_check_has_its_panel_with_its_own_rows():
    known, controls, fits = trust.draw(LADDER, CONTROLS, FITS).axes
    assert marks(known) == {"codes good": [[4.0, 3.0]], "codes off": [[8.0, 3.0]]}
    assert marks(controls) == {"shuffled good": [[5.0, 0.0]], "half-width off": [[5.0, 3.0]]}
    assert marks(fits) == {"fits good": [[5.0, 0.1]], "fits off": [[50.0, 2.0]]}


def test_bars_are_the_intervals_of_codes():
    known = trust.draw(LADDER, [], []).axes[0]
    bars = [line.get_ydata() for line in known.lines if line.get_color() == trust.OKABE_ITO[0]]
    assert [tuple(bar) for bar in bars] == [(2.5, 4.5), (2.5, 5.0)]


def test_what_is_good_is_filled():
    fits = trust.draw([], [], FITS).axes[0]
    faces = {c.get_gid(): tuple(c.get_facecolor()[0]) for c in fits.collections}
    assert faces["fits off"] == (1.0, 1.0, 1.0, 1.0)
    assert faces["fits good"] != faces["fits off"]


def test_what_was_not_checked_has_no_panel_and_no_words():
    assert [axes.get_title(loc="left") for axes in trust.draw([], CONTROLS, FITS).axes] == [
        "Controls",
        "Fits",
    ]
    assert "Known information" not in trust.caption([], CONTROLS, FITS)
    assert "Controls" in trust.caption([], CONTROLS, FITS)
    assert trust.draw([], [], []).axes[0].has_data() is False

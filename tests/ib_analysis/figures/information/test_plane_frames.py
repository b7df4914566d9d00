"""A frame holds the epochs up to its own, on the axes of the whole; the movie and the sheet hold every frame."""

import numpy as np
from PIL import Image

from ib_analysis.figures.information.plane_frames import caption, draw, frames, shown_epochs, write_movie

EPOCHS = [0, 1, 10, 200]


def counted(axes):
    """How many points each trajectory of a panel has."""
    return {c.get_gid(): len(c.get_offsets()) for c in axes.collections if c.get_gid()}


def test_each_frame_has_one_epoch_more_on_the_same_axes(rows):
    drawn = list(frames(rows))
    assert [figure.get_suptitle() for figure in drawn] == [f"epoch {epoch}" for epoch in EPOCHS]
    for number, figure in enumerate(drawn, 1):
        assert set(counted(figure.axes[0]).values()) == {number}
        assert figure.axes[0].get_xlim() == drawn[-1].axes[0].get_xlim()
        assert figure.axes[0].get_ylim() == drawn[-1].axes[0].get_ylim()


def test_an_epoch_keeps_its_colour_in_every_frame(rows):
    first, *_, last = (figure.axes[0] for figure in frames(rows))
    colours = [next(c for c in axes.collections if c.get_gid()) for axes in (first, last)]
    assert np.array_equal(colours[0].to_rgba([0]), colours[1].to_rgba([0]))


def test_the_movie_has_every_frame_and_the_same_bytes(rows, tmp_path):
    for name in ("one", "two"):
        write_movie(tmp_path / f"{name}.gif", rows)
    assert (tmp_path / "one.gif").read_bytes() == (tmp_path / "two.gif").read_bytes()
    with Image.open(tmp_path / "one.gif") as movie:
        assert movie.n_frames == len(EPOCHS)
        assert movie.info["duration"] == 1000
        assert movie.info["loop"] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.gif", "two.gif"]


def test_the_sheet_has_the_same_frames_for_each_network(rows):
    axes = [one for one in draw(rows).axes if one.get_visible()]
    titles = [one.get_title(loc="left").split("\n")[-1] for one in axes]
    assert titles == [f"epoch {epoch}" for epoch in EPOCHS] * 2
    assert [set(counted(one).values()) for one in axes] == [{1}, {2}, {3}, {4}] * 2
    assert "up to epochs 0, 1, 10, 200" in caption(rows)


def test_of_many_epochs_the_first_and_the_last_are_shown():
    row = {
        "encoder": "e",
        "regime": "r",
        "seed": 0,
        "tap": "h",
        "quantity": "I(x;h)",
        "bits": 1,
        "bound": "none",
    }
    shown = shown_epochs([row | {"epoch": epoch} for epoch in range(31)])
    assert (len(shown), shown[0], shown[-1]) == (8, 0, 30)
    assert len(set(shown)) == 8

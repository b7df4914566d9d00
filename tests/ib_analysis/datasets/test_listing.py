"""The listing of a folder changes with its images, and with nothing else."""

import os

import pytest

from ib_analysis.datasets.listing import listing
from ib_analysis.experiment import load_experiment


@pytest.fixture
def folder(tmp_path):
    for name in ("cats/1.png", "cats/more/2.png", "dogs/1.png"):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"pixels")
        os.utime(path, (1e9, 1e9))
    return tmp_path / "images"


def grow(folder):
    (folder / "dogs/1.png").write_bytes(b"more pixels")
    os.utime(folder / "dogs/1.png", (1e9, 1e9))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "cats/more/3.png").write_bytes(b"pixels"),
        lambda folder: (folder / "cats/1.png").unlink(),
        lambda folder: (folder / "cats/1.png").rename(folder / "dogs/2.png"),
        lambda folder: os.utime(folder / "dogs/1.png", (1e9 + 1, 1e9 + 1)),
        grow,
    ],
)
def test_an_image_that_is_added_removed_moved_or_exchanged_changes_it(folder, change):
    before = listing(folder)
    change(folder)
    assert listing(folder) != before


def test_hidden_files_times_of_folders_and_circles_of_links_change_nothing(folder):
    before = listing(folder)
    (folder / "cats/.DS_Store").write_bytes(b"x")
    (folder / ".cache").mkdir()
    (folder / "dogs/up").symlink_to(folder)
    os.utime(folder / "cats")
    assert listing(folder) == before


def test_it_is_the_same_under_another_path_and_none_without_a_folder(folder):
    before = listing(folder)
    moved = folder.rename(folder.with_name("moved"))
    assert listing(moved) == before
    assert listing(folder) is None


def test_it_is_a_part_of_what_the_data_set_is_made_from(folder):
    fit = {"steps": 1}
    net = {
        "architecture": {"kind": "kept_rows"},
        "regimes": {"fixed": {"epochs": 0}},
        "epochs": [0],
        "taps": ["rows2"],
    }
    experiment = load_experiment(
        {
            "name": "own",
            "dataset": {"kind": "image_folder", "folder": str(folder)},
            "encoders": {"rows": net},
            "decoders": {"image_fit": fit, "label_fit": fit},
        }
    )
    before = experiment.prepare_dataset()
    grow(folder)
    assert experiment.prepare_dataset() != before

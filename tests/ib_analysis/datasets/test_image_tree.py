"""A tree of images: what counts as an image, what is passed over, and what is refused."""

import os

import pytest

from ib_analysis.datasets.image_folder import ImageFolder
from ib_analysis.datasets.image_tree import class_folders, image_paths, other_files
from ib_analysis.datasets.specs.image_folder import ImageFolderSpec
from ib_analysis.errors import UserError


def test_hidden_files_and_notes_are_passed_over(tmp_path):
    for name in (".hidden.png", "notes.txt", "Thumbs.db", "b.PNG", "a"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in image_paths(tmp_path)] == ["a", "b.PNG"]


def test_a_folder_without_classes_is_refused(tmp_path):
    with pytest.raises(UserError, match="has no sub-folders"):
        class_folders(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        class_folders(tmp_path / "nowhere")


@pytest.mark.parametrize("hidden", [".ipynb_checkpoints", "@eaDir", "deep/.cache", "deep/__MACOSX"])
def test_hidden_folders_are_passed_over_at_every_depth(image_tree, hidden):
    before = image_paths(image_tree / "ant")
    (image_tree / "ant" / hidden).mkdir(parents=True)
    (image_tree / "ant" / hidden / "0.png").write_bytes((image_tree / "ant" / "0.png").read_bytes())
    (image_tree / hidden.rpartition("/")[2]).mkdir()
    assert image_paths(image_tree / "ant") == before
    assert [path.name for path in class_folders(image_tree)] == ["ant", "bee", "cow"]


def test_images_in_folders_and_links_below_a_class_are_found(image_tree, tmp_path):
    (image_tree / "ant" / "more").mkdir()
    (image_tree / "ant" / "0.png").rename(image_tree / "ant" / "more" / "0.png")
    elsewhere = tmp_path / "elsewhere"
    (image_tree / "bee").rename(elsewhere)
    (image_tree / "ant" / "bees").symlink_to(elsewhere)
    (image_tree / "bee").symlink_to(elsewhere)
    assert len(image_paths(image_tree / "ant")) == 12
    assert len(image_paths(image_tree / "bee")) == 6


@pytest.mark.parametrize("place", ["dog", "ant/6.png", "ant/more"])
def test_a_link_that_leads_nowhere_is_named(image_tree, place):
    (image_tree / place).symlink_to("/nowhere/at/all")
    with pytest.raises(UserError, match=rf"{place}: a link that leads nowhere \(to /nowhere/at/all\)"):
        ImageFolder(ImageFolderSpec(folder=str(image_tree)))


def test_a_link_to_a_folder_above_is_named(image_tree):
    (image_tree / "ant" / "again").symlink_to(image_tree / "ant")
    with pytest.raises(UserError, match="again: a link that leads back"):
        image_paths(image_tree / "ant")


def test_a_name_that_is_no_text_is_named(image_tree):
    os.mkdir(os.fsencode(image_tree) + b"/na\xefve")
    with pytest.raises(UserError, match=r"na\\udcefve.*is no text"):
        class_folders(image_tree)


def test_the_parent_of_train_and_test_is_recognised_and_a_class_of_that_name_is_not(image_tree, tmp_path):
    for part in ("train", "test"):
        (tmp_path / "all" / part).mkdir(parents=True)
        for name in ("ant", "bee"):
            (tmp_path / "all" / part / name).symlink_to(image_tree / name)
    with pytest.raises(UserError, match=r"test, train are parts, not classes .*ant, bee.*such as `folder: "):
        ImageFolder(ImageFolderSpec(folder=str(tmp_path / "all")))
    assert ImageFolder(ImageFolderSpec(folder=str(tmp_path / "all" / "train"))).class_names == ("ant", "bee")
    (image_tree / "ant").rename(image_tree / "train")  # of images: a class of vehicles
    assert ImageFolder(ImageFolderSpec(folder=str(image_tree))).class_names == ("bee", "cow", "train")


def test_files_that_are_no_images_are_said(image_tree, capsys):
    ImageFolder(ImageFolderSpec(folder=str(image_tree)))
    assert capsys.readouterr().out == ""
    (image_tree / "ant" / "notes.txt").write_text("", encoding="utf-8")
    (image_tree / "loose.png").write_bytes((image_tree / "ant" / "0.png").read_bytes())
    assert [path.name for path in other_files(image_tree, class_folders(image_tree))] == [
        "notes.txt",
        "loose.png",
    ]
    ImageFolder(ImageFolderSpec(folder=str(image_tree)))
    said = capsys.readouterr().out
    assert ": 2 files (" in said
    assert "notes.txt" in said
    assert "loose.png" in said


def test_pipes_and_devices_are_said_and_their_names_stay_in_the_line(image_tree, capsys):
    os.mkfifo(image_tree / "ant" / "a\npipe.png")
    (image_tree / "ant" / "endless.png").symlink_to("/dev/zero")
    ImageFolder(ImageFolderSpec(folder=str(image_tree)))
    said = capsys.readouterr().out
    assert ": 2 files (" in said
    assert "a\\npipe.png" in said
    assert said.count("\n") == 1

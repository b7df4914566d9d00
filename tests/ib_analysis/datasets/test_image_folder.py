import numpy as np
import pytest
from PIL import Image

from ib_analysis.datasets.image_files import read_image
from ib_analysis.datasets.image_folder import ImageFolder
from ib_analysis.datasets.specs.image_folder import ImageFolderSpec
from ib_analysis.errors import UserError


@pytest.mark.parametrize(("mode", "channels"), [("grey", 1), ("rgb", 3)])
def test_every_image_sorted_by_class_and_name(image_tree, mode, channels):
    source = ImageFolder(ImageFolderSpec(folder=str(image_tree), mode=mode))
    assert source.name == "pictures"
    assert source.shape == (channels, 12, 16)
    assert source.class_names == ("ant", "bee", "cow")
    (block,) = source.blocks()
    assert block.labels.tolist() == [0] * 6 + [1] * 6 + [2] * 6
    np.testing.assert_array_equal(block.images[7], read_image(image_tree / "bee" / "1.bmp", mode))


def test_mixed_sizes_are_refused_unless_resized(image_tree):
    Image.new("RGB", (20, 10)).save(image_tree / "bee" / "odd.png")
    source = ImageFolder(ImageFolderSpec(folder=str(image_tree)))
    with pytest.raises(
        UserError, match=r"bee/odd.png: has 10x20 pixels, not 12x16; set `resize: \[12, 16\]`"
    ):
        list(source.blocks())
    (block,) = ImageFolder(ImageFolderSpec(folder=str(image_tree), resize=(8, 9))).blocks()
    assert block.images.shape == (19, 3, 8, 9)


def test_a_corrupt_image_is_named(image_tree):
    (image_tree / "cow" / "3.jpg").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"cow/3.jpg: cannot be read"):
        list(ImageFolder(ImageFolderSpec(folder=str(image_tree))).blocks())


def test_a_missing_or_empty_folder_and_a_class_without_image_are_refused(image_tree, tmp_path):
    with pytest.raises(UserError, match="nowhere: does not exist"):
        ImageFolder(ImageFolderSpec(folder=str(tmp_path / "nowhere")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty: has no sub-folders"):
        ImageFolder(ImageFolderSpec(folder=str(tmp_path / "empty")))
    (image_tree / "dog").mkdir()
    with pytest.raises(UserError, match=r"dog: holds no image"):
        ImageFolder(ImageFolderSpec(folder=str(image_tree)))

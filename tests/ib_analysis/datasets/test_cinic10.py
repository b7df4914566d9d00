import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ib_analysis.datasets.cinic10 import CLASSES, Cinic10
from ib_analysis.datasets.specs.cinic10 import Cinic10Spec
from ib_analysis.errors import UserError


def test_its_own_three_parts(mini_cinic10):
    source = Cinic10(Cinic10Spec(folder=str(mini_cinic10)))
    blocks = list(source.blocks())
    assert [block.part for block in blocks] == ["encoder", "decoder", "evaluation"]
    assert [len(block) for block in blocks] == [40, 40, 40]
    pixels = np.asarray(Image.open(mini_cinic10 / "valid" / "bird" / "3.png"))
    np.testing.assert_array_equal(blocks[1].images[2 * 4 + 3], pixels.transpose(2, 0, 1))
    assert blocks[1].labels.tolist() == [label for label in range(10) for _ in range(4)]


def test_the_archive_has_no_top_folder(mini_cinic10, tmp_path, packed, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    md5 = packed(mini_cinic10, home / "CINIC-10.tar.gz", sorted(mini_cinic10.iterdir()))
    monkeypatch.setattr(Cinic10, "official", replace(Cinic10.official, md5=md5))
    assert Cinic10(Cinic10Spec(folder=str(home))).folder == home / "CINIC-10"


def test_a_missing_part_a_foreign_class_and_an_empty_class_are_refused(mini_cinic10):
    spec = Cinic10Spec(folder=str(mini_cinic10))
    for path in (mini_cinic10 / "valid" / "frog").iterdir():
        path.unlink()
    with pytest.raises(UserError, match=r"valid/frog: holds no image"):
        list(Cinic10(spec).blocks())
    (mini_cinic10 / "valid" / "frog").rename(mini_cinic10 / "valid" / "toad")
    with pytest.raises(UserError, match=r"valid: the classes are .*toad.*not the ten"):
        Cinic10(spec)
    shutil.rmtree(mini_cinic10 / "valid")
    with pytest.raises(UserError, match="valid of CINIC-10 is missing"):
        Cinic10(spec)


def test_an_incomplete_data_set_is_refused_with_the_count_that_is_missing(mini_cinic10):
    for name in ("0.png", "1.png"):
        (mini_cinic10 / "valid" / "frog" / name).unlink()
    (mini_cinic10 / "test" / "cat" / "3.png").unlink()
    with pytest.raises(
        UserError, match=r"3 of the 120 images of CINIC-10 are missing \(.*valid/frog holds 2, not 4\)"
    ):
        Cinic10(Cinic10Spec(folder=str(mini_cinic10)))


def test_an_image_too_many_is_refused(mini_cinic10):
    image = mini_cinic10 / "valid" / "frog" / "0.png"
    shutil.copy(image, image.with_name("copy.png"))
    with pytest.raises(UserError, match=r"more than the 120 images of CINIC-10 \(.*frog holds 5, not 4\)"):
        Cinic10(Cinic10Spec(folder=str(mini_cinic10)))


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_corrupt_or_wrongly_sized_image_is_named(mini_cinic10, split):
    source = Cinic10(Cinic10Spec(folder=str(mini_cinic10)))
    path = mini_cinic10 / split / CLASSES[5] / "2.png"
    Image.new("RGB", (32, 31)).save(path)
    with pytest.raises(UserError, match=r"dog/2.png: has 31x32 pixels, not 32x32"):
        list(source.blocks())
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(UserError, match=r"dog/2.png: cannot be read"):
        list(source.blocks())

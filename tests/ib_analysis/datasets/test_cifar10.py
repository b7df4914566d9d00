import hashlib
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest

from ib_analysis.datasets.cifar10 import Cifar10
from ib_analysis.datasets.specs.cifar import Cifar10Spec
from ib_analysis.errors import UserError


def batch(folder, name):
    return pickle.loads((folder / name).read_bytes())  # noqa: S301 (our own)


def test_all_six_batches_in_order(mini_cifar10):
    source = Cifar10(Cifar10Spec(folder=str(mini_cifar10.parent)))
    blocks = list(source.blocks())
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    data = np.concatenate([batch(mini_cifar10, name)[b"data"] for name in names])
    labels = np.concatenate([batch(mini_cifar10, name)[b"labels"] for name in names])
    np.testing.assert_array_equal(np.concatenate([b.images for b in blocks]).reshape(360, -1), data)
    np.testing.assert_array_equal(np.concatenate([b.labels for b in blocks]), labels)
    assert source.class_names[3] == "cat"


def test_the_folder_may_be_the_unpacked_folder_itself(mini_cifar10):
    assert Cifar10(Cifar10Spec(folder=str(mini_cifar10))).folder == mini_cifar10


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.xz", ".tar"])
@pytest.mark.parametrize("itself", [True, False])
def test_the_folder_may_hold_or_be_the_archive(mini_cifar10, tmp_path, packed, monkeypatch, suffix, itself):
    home = tmp_path / "home"
    home.mkdir()
    archive = home / f"cifar-10-python{suffix}"
    md5 = packed(mini_cifar10, archive)
    monkeypatch.setattr(Cifar10, "official", replace(Cifar10.official, md5=md5))
    source = Cifar10(Cifar10Spec(folder=str(archive if itself else home)))
    assert source.folder == home / "cifar-10-batches-py"
    assert sum(len(block) for block in source.blocks()) == 360


def test_an_archive_of_files_without_a_top_folder(mini_cifar10, tmp_path, packed):
    home = tmp_path / "home"
    home.mkdir()
    packed(mini_cifar10, home / "cifar-10-batches-py.tar.xz", sorted(mini_cifar10.iterdir()))
    assert Cifar10(Cifar10Spec(folder=str(home))).folder == home / "cifar-10-batches-py"


def test_a_folder_that_may_not_be_written_unpacks_into_the_cache(
    mini_cifar10, tmp_path, packed, monkeypatch, cache
):
    home = tmp_path / "home"
    home.mkdir()
    packed(mini_cifar10, home / "cifar-10-batches-py.tar.xz")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert Cifar10(Cifar10Spec(folder=str(home))).folder == cache / "cifar-10-batches-py"
    assert sorted(path.name for path in home.iterdir()) == ["cifar-10-batches-py.tar.xz"]


def test_without_a_folder_the_cache_is_searched_first(mini_cifar10, cache):
    cache.mkdir()
    mini_cifar10.rename(cache / "cifar-10-batches-py")
    assert Cifar10(Cifar10Spec()).folder == cache / "cifar-10-batches-py"


def test_offline_without_the_files_says_what_to_put_where(cache, monkeypatch):
    official = replace(Cifar10.official, url="http://127.0.0.1:1/cifar-10-python.tar.gz")
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(Cifar10, "official", official)
    sentence = f"put cifar-10-python.tar.gz or the folder cifar-10-batches-py into {re.escape(str(cache))}"
    with pytest.raises(UserError, match=sentence):
        Cifar10(Cifar10Spec())


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_the_files_says_what_to_put_there(tmp_path, exists):
    home = tmp_path / "home"
    if exists:
        home.mkdir()
    with pytest.raises(
        UserError, match=r"home: .*neither cifar-10-python.tar.gz nor the folder cifar-10-batc"
    ):
        Cifar10(Cifar10Spec(folder=str(home)))


def test_a_changed_batch_is_refused_with_both_sums(mini_cifar10):
    path = mini_cifar10 / "data_batch_3"
    right = hashlib.md5(path.read_bytes()).hexdigest()
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    wrong = hashlib.md5(content).hexdigest()
    with pytest.raises(
        UserError, match=rf"data_batch_3: md5 is {wrong}, .* is {right}; remove it and unpack"
    ):
        Cifar10(Cifar10Spec(folder=str(mini_cifar10)))


def test_a_missing_batch_is_named(mini_cifar10):
    (mini_cifar10 / "data_batch_4").unlink()
    with pytest.raises(UserError, match="data_batch_4 of CIFAR-10 is missing"):
        Cifar10(Cifar10Spec(folder=str(mini_cifar10)))


def test_an_archive_with_a_wrong_checksum_is_refused_and_kept(mini_cifar10, tmp_path, packed):
    home = tmp_path / "home"
    home.mkdir()
    archive = home / "cifar-10-python.tar.gz"
    md5 = packed(mini_cifar10, archive)
    with pytest.raises(
        UserError, match=f"{md5}, that of the official file is {Cifar10.official.md5}; remove"
    ):
        Cifar10(Cifar10Spec(folder=str(home)))
    assert archive.exists()
    assert not (home / "cifar-10-batches-py").exists()

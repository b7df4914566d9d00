"""Damaged copies of every kind of file: a sentence or the same content, never a traceback or other content."""

import pytest

from benchmarks.damage import SILENT, TRACEBACK, bits_of_header, cuts, flips, kinds, make, random_bits

KINDS = {kind.name: kind for kind in kinds()}


@pytest.mark.parametrize("name", KINDS)
def test_a_sound_file_is_read(name, tmp_path):
    kind = KINDS[name]
    path = make(kind, tmp_path / "a")
    assert kind.read(path) is not None


@pytest.mark.parametrize("name", KINDS)
def test_random_damage(name, tmp_path):
    kind = KINDS[name]
    found = flips(kind, tmp_path / "f", random_bits(40, 0)), cuts(kind, tmp_path / "c", 15, 0)
    for outcomes in found:
        assert not outcomes.counts[TRACEBACK], outcomes.first
        assert kind.of_user or not outcomes.counts[SILENT]


@pytest.mark.parametrize("name", ["header.json", "images.npy", "json", "table", "CIFAR names"])
def test_every_seventh_bit_of_a_header(name, tmp_path):
    kind = KINDS[name]
    bits = bits_of_header(kind, tmp_path / "h")
    outcomes = flips(kind, tmp_path / "f", iter(range(0, bits, 7)))
    assert not outcomes.counts[TRACEBACK], outcomes.first
    assert kind.of_user or not outcomes.counts[SILENT]

"""A finished piece is measured again only if something changes that it is measured by."""

import pytest

from ib_analysis.studies.specs.quantized import QuantizedStudySpec
from ib_analysis.studies.specs.studies import StudiesSpec
from ib_analysis.studies.specs.study import RepeatedStudySpec

STUDIES = {
    name: spec
    for name, spec in StudiesSpec(
        stable={}, beyond_kernels={}, rir={}, quantized={"mixed": [{"h1": 8}]}, shortcut_depth={}
    ).chosen.items()
    if isinstance(spec, RepeatedStudySpec)
}


def with_more(spec, **changed):
    return type(spec)(**spec.model_dump() | changed)


def kept(spec, other):
    """Pieces of a study that another leaves as they are."""
    return {
        piece
        for piece in spec.pieces
        if piece in other.pieces and spec.of_piece(piece) == other.of_piece(piece)
    }


@pytest.mark.parametrize("name", STUDIES)
def test_what_a_piece_is_measured_by_holds_the_piece(name):
    spec = STUDIES[name]
    assert len(set(spec.pieces)) == len(spec.pieces)
    for piece in spec.pieces:
        narrow = type(spec)(**spec.of_piece(piece).model_dump(mode="json"))
        assert piece in narrow.pieces
        assert narrow.of_piece(piece) == spec.of_piece(piece)


@pytest.mark.parametrize("name", STUDIES)
def test_a_piece_does_not_depend_on_whose_planes_belong_to_the_study(name):
    spec = STUDIES[name]
    assert kept(spec, with_more(spec, encoders=("a", "b"))) == set(spec.pieces)


@pytest.mark.parametrize("name", ["rir", "quantized", "shortcut_depth"])
def test_a_further_seed_costs_its_own_pieces(name):
    spec = STUDIES[name]
    more = with_more(spec, seeds=(*spec.seeds, 99))
    assert kept(spec, more) == set(spec.pieces)
    assert len(more.pieces) > len(spec.pieces)


@pytest.mark.parametrize("name", ["rir", "quantized"])
def test_seeds_of_one_piece_are_blocks_in_their_order(name):
    """A further seed then costs the block that it joins, and none that was full."""
    spec = with_more(STUDIES[name], seeds=(4, 1, 7, 2), seeds_of_a_piece=2)
    every = {piece.rpartition("-")[2] for piece in spec.pieces}
    assert every == {"seeds4to1", "seeds7to2"}
    assert all(spec.of_piece(piece).seeds in ((4, 1), (7, 2)) for piece in spec.pieces)
    more = with_more(spec, seeds=(4, 1, 7, 2, 9))
    assert kept(spec, more) == set(spec.pieces)
    fewer = with_more(spec, seeds=(4, 1, 7))
    assert {
        piece for piece in fewer.pieces if fewer.of_piece(piece) not in map(spec.of_piece, spec.pieces)
    } == {piece for piece in fewer.pieces if piece.endswith("-seed7")}


@pytest.mark.parametrize("name", ["rir", "quantized"])
def test_a_piece_of_one_seed_is_the_same_in_blocks_of_any_size(name):
    blocks = with_more(STUDIES[name], seeds=(4, 1, 7), seeds_of_a_piece=2)
    alone = with_more(STUDIES[name], seeds=(7,), seeds_of_a_piece=1)
    assert kept(alone, blocks) == set(alone.pieces)


@pytest.mark.parametrize("name", ["rir", "quantized"])
def test_a_further_learning_rate_costs_its_own_pieces(name):
    spec = STUDIES[name]
    more = with_more(spec, learning_rates=(*spec.learning_rates, 1e-3))
    assert kept(spec, more) == set(spec.pieces)
    assert {piece for piece in more.pieces if piece not in spec.pieces} == {
        piece for piece in more.pieces if "-rate0.001-" in piece
    }


def test_a_further_precision_costs_its_own_pieces():
    spec = QuantizedStudySpec(bits=("bf16", 4))
    more = with_more(spec, bits=("bf16", 4, 2), mixed=({"h1": 8},))
    assert kept(spec, more) == set(spec.pieces)


@pytest.mark.parametrize("name", ["rir", "quantized", "stable"])
def test_another_training_is_one_of_every_network(name):
    spec = STUDIES[name]
    other = with_more(spec, training=spec.training.model_copy(update={"epochs": 77}).model_dump())
    assert not kept(spec, other)

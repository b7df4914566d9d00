"""A configuration is what its files say, each key once, with what the command line changes."""

import pytest
from pydantic import ValidationError

from ib_analysis.configuration import demand_unique_keys, merged
from ib_analysis.datasets.specs.cifar import Cifar10Spec
from ib_analysis.device_name import check_device
from ib_analysis.errors import UserError
from ib_analysis.studies.specs.quantized import QuantizedStudySpec


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a:\n  net: {x: 1}\n  net: {x: 2}\n", ["a.net stands twice", "lines 2 and 3"]),
        ("a: 1\nb: 2\na: 3\n", ["a stands twice", "lines 1 and 3"]),
        ("a: [{b: 1, b: 2}]\n", ["a.b stands twice"]),
        ("a: {1: x, 0x1: y}\n", ["a.0x1 stands twice"]),
        ('{"a":\t{"b": 1, "b": 2}}', ["'b' stands twice"]),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_its_path(tmp_path, text, words):
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        demand_unique_keys(tmp_path / "c.yaml")
    for word in ("c.yaml", *words):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a: &base {x: 1, y: 2}\nb: {<<: *base, x: 3}\nc: *base\n",
        "a: {x: 1}\nb: {x: 1}\n",
        '{"a":\t{"b": 1}, "c": {"b": 1}}',
        "a: [unclosed",
        "a: a character that YAML does not know: \b",
        "",
    ],
)
def test_merged_anchors_and_equal_keys_of_two_sections_pass(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    demand_unique_keys(tmp_path / "c.yaml")


def test_a_file_of_another_encoding_is_refused(tmp_path):
    (tmp_path / "c.yaml").write_bytes("title: Über\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"c\.yaml: is no text in UTF-8 .*; save it in that encoding"):
        demand_unique_keys(tmp_path / "c.yaml")


def test_an_anchor_that_holds_itself_ends(tmp_path):
    (tmp_path / "c.yaml").write_text("a: &a {b: *a}\n", encoding="utf-8")
    demand_unique_keys(tmp_path / "c.yaml")


def test_values_are_changed_key_by_key_and_another_kind_takes_the_whole_section():
    file = {"name": "x", "dataset": {"kind": "markov", "levels": 4}, "fit": {"steps": 5, "rate": 0.1}}
    changed = merged([file, {"name": "y", "dataset": {"kind": "digits"}, "fit": {"steps": 9}}])
    assert changed == {"name": "y", "dataset": {"kind": "digits"}, "fit": {"steps": 9, "rate": 0.1}}
    assert merged([file, {"dataset": {"kind": "markov", "size": 8}}])["dataset"] == {
        "kind": "markov",
        "levels": 4,
        "size": 8,
    }
    assert merged([file, {"fit": None}])["fit"] is None
    assert file["fit"]["steps"] == 5


@pytest.mark.parametrize("name", ["gpu", "CUDA", "", "cuda:", "mps"])
def test_a_device_that_does_not_exist_is_refused_by_its_name(name):
    with pytest.raises(UserError, match=f"device is {name}: it must be auto"):
        check_device(name)


def test_the_devices_of_the_readme_pass():
    assert [check_device(name) for name in ("auto", "cpu", "cuda", "cuda:1")] == [
        "auto",
        "cpu",
        "cuda",
        "cuda:1",
    ]


@pytest.mark.parametrize(
    ("section", "name", "words", "numbers"),
    [
        (Cifar10Spec, "size", "8", 8),
        (QuantizedStudySpec, "bits", ["bf16", "4", "2"], ("bf16", 4, 2)),
        (QuantizedStudySpec, "end_bits", "8", 8),
    ],
)
def test_words_of_the_command_line_are_numbers_where_numbers_are_to_choose_from(
    section, name, words, numbers
):
    """`--config 'dataset={size: 8}'` gives the word "8"."""
    assert getattr(section(**{name: words}), name) == numbers


def test_a_word_that_is_no_choice_is_refused_with_the_choices():
    with pytest.raises(ValidationError, match="8, 16 or 32"):
        Cifar10Spec(size="9")
    with pytest.raises(ValidationError, match="8, 16 or 32"):
        Cifar10Spec(size="08")

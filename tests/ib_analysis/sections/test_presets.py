"""A preset is a set of keys that exist; what is written beside it counts more."""

import pytest
from pydantic import ValidationError

from ib_analysis.experiment import DecodersSpec
from ib_analysis.sections.presets import PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_alone_is_a_whole_section(preset):
    spec = DecodersSpec(preset=preset)
    for name, setting in PRESETS[preset].items():
        given = getattr(spec, name)
        found = given.model_dump(mode="json") if isinstance(setting, dict) else list(given)
        assert found == (found | setting if isinstance(setting, dict) else setting)


def test_each_preset_takes_more_steps_than_the_one_before():
    steps = [DecodersSpec(preset=name).image_fit.steps for name in ("quick", "standard", "careful")]
    assert steps == sorted(set(steps))


def test_a_key_beside_it_counts_more_and_leaves_the_others():
    spec = DecodersSpec(preset="quick", image={"filters": 3}, image_fit={"steps": 7})
    plain = DecodersSpec(preset="quick")
    assert (spec.image.filters, spec.image.layers) == (3, plain.image.layers)
    assert (spec.image_fit.steps, spec.image_fit.batch_size) == (7, plain.image_fit.batch_size)


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValidationError, match="quick"):
        DecodersSpec(preset="fast", image_fit={"steps": 1}, label_fit={"steps": 1})

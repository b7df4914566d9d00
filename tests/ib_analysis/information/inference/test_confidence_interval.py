import numpy as np
import pytest
from scipy import stats

from ib_analysis.errors import UserError
from ib_analysis.information.inference.confidence_interval import confidence_interval, student_quantile


def test_it_is_the_textbook_interval_of_a_mean():
    values = np.random.default_rng(0).normal(3, 2, 12)
    stderr = values.std(ddof=1) / np.sqrt(12)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.9)
    assert confidence_interval(values.mean(), stderr, 12, level=0.9) == pytest.approx(tuple(expected))


def test_many_images_bring_the_normal_quantile():
    assert student_quantile(0.95, 10**7) == pytest.approx(1.959964, abs=1e-5)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_is_a_probability(level):
    with pytest.raises(UserError, match="between 0 and 1"):
        confidence_interval(0.0, 1.0, 10, level=level)


def test_one_image_has_no_interval():
    with pytest.raises(UserError, match="two or more"):
        confidence_interval(0.0, 0.0, 1)

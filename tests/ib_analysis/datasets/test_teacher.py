import numpy as np
import pytest

from ib_analysis.datasets.discretized_logistic import probabilities
from ib_analysis.datasets.teacher import CONTRAST_GAIN, HIDDEN, Teacher, formula_weights
from ib_analysis.units import bits


def literal_log_probability(law, image):
    """One sub-pixel after the other, in plain loops, from the definition."""
    C, S = law.channels, law.size
    F = 4 * C + C - 1
    numbers = formula_weights(C * HIDDEN * (F + 3), law.weights)
    W = numbers[: C * F * HIDDEN].reshape(C, F, HIDDEN)
    b = numbers[C * F * HIDDEN : C * (F + 1) * HIDDEN].reshape(C, HIDDEN)
    w = numbers[C * (F + 1) * HIDDEN :].reshape(C, HIDDEN, 2) / np.sqrt(HIDDEN)
    z = 2 * image.astype(float) / (law.levels - 1) - 1
    total = 0.0
    for row, column, c in np.ndindex(S, S, C):
        seen = []
        for r, k in ((row - 1, column - 1), (row - 1, column), (row - 1, column + 1), (row, column - 1)):
            inside = r >= 0 and 0 <= k < S
            seen += list(z[:, r, k]) if inside else [0.0] * C
        seen += [z[i, row, column] if i < c else 0.0 for i in range(C - 1)]
        seen = np.array(seen)
        contrast = CONTRAST_GAIN / np.sqrt(F) * (W[c] - W[c].mean(0))
        output = (np.tanh(seen @ contrast + b[c]) - np.tanh(b[c])) @ w[c]
        before = 0.3 if c else 0.0
        follow = (0.45 - before / 2) * seen[3 * C + c] + (0.35 - before / 2) * seen[C + c]
        follow += before * seen[4 * C + c - 1] if c else 0.0
        mean = np.rint((np.clip(follow + 0.3 * output[0], -1, 1) + 1) * 512) / 1024 * (law.levels - 1)
        spread = 2.0 if output[1] > 0.3 else 0.5 if output[1] < -0.3 else 1.0
        total += np.log(probabilities(mean, law.scale * spread, law.levels)[image[c, row, column]])
    return total


@pytest.mark.parametrize("law", [Teacher(5, 256, 3, 5.0, 1), Teacher(6, 17, 1, 0.8)], ids=str)
def test_log_probability_is_the_literal_sum(law):
    images = law.draw(4, np.random.default_rng(0))
    expected = [literal_log_probability(law, image) for image in images]
    np.testing.assert_allclose(law.log_probability(images), expected, rtol=1e-9)


def test_a_sub_pixel_changes_no_conditional_at_or_before_it():
    law = Teacher(5, 256, 3, 5.0)
    image = law.draw(1, np.random.default_rng(1))
    before = law._conditionals(image)
    for position, (row, column, channel) in enumerate(np.ndindex(5, 5, 3)):
        changed = image.copy()
        changed[0, channel, row, column] ^= 128
        after = law._conditionals(changed)
        for one, other in zip(before, after):
            np.testing.assert_array_equal(one[0, : position + 1], other[0, : position + 1])


@pytest.mark.parametrize("weights", [0, 1, 2, 7])
def test_images_have_structure_and_do_not_saturate(weights):
    law = Teacher(16, 256, 3, 5.0, weights)
    x = law.draw(100, np.random.default_rng(2))
    assert np.isin(x, (0, 255)).mean() < 0.4
    per_dim = bits(law.nats("H(x)").nats) / law.dimensions
    assert 3 < per_dim < 6.5
    assert law.nats("H(x)").stderr < 2e-3 * law.nats("H(x)").nats
    assert len(np.unique(law._conditionals(x).spread)) == 3


def test_a_large_teacher_agrees_with_its_entropy_image_by_image():
    law = Teacher(32, 256, 3, 4.0)
    surprise = -law.log_probability(law.draw(60, np.random.default_rng(3)))
    truth = law.nats("H(x)")
    assert abs(surprise.mean() - truth.nats) < 4 * np.hypot(surprise.std(ddof=1) / np.sqrt(60), truth.stderr)
    assert bits(truth.nats) > 10_000


def test_known_numbers_have_standard_errors_and_the_label_is_exact():
    law = Teacher(8, 16, 1, 1.0)
    stderr = law.standard_errors()
    assert stderr.keys() == {"H(x)"} | {f"I(x;rows{t})" for t in range(1, 9)}
    assert all(0 < nats < 0.05 for nats in stderr.values())
    assert bits(law.known(0.0)["H(y)"]) == pytest.approx(1, abs=1e-12)


def test_each_number_is_another_teacher():
    one, other = (Teacher(8, 256, 1, 5.0, weights) for weights in (0, 1))
    images = one.draw(50, np.random.default_rng(4))
    assert (one.log_probability(images) - other.log_probability(images)).mean() > 1


def test_weights_are_standardised():
    w = formula_weights(5000, 3)
    assert abs(w.mean()) < 0.05
    assert w.std() == pytest.approx(1, abs=0.05)
    assert np.unique(w.round(9)).size > 4900

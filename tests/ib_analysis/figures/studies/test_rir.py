"""Accuracy of the four arms, their differences, and the knock-outs."""

import numpy as np
import pytest

from ib_analysis.figures.studies import rir
from ib_analysis.studies.rir.row import RirRow

LEVELS = {"plain": 0.80, "resnet": 0.84, "resnet_init": 0.87, "rir": 0.90}


def table(seeds=(0, 1, 2), arms=LEVELS):
    rows = []
    for arm in arms:
        for seed in seeds:
            about = {
                "images": "digits", "training_images": 200, "evaluation_images": 359, "arm": arm, "seed": seed,
                "learning_rate": 0.1, "status": "trained", "parameters": 66732, "multiply_adds": 558848,
            }  # fmt: skip
            whole = LEVELS[arm] + 0.01 * seed
            rows.append(RirRow(**about, accuracy=whole, validation_accuracy=whole))
            rows += [
                RirRow(**about, accuracy=whole - 0.1 * block - loss, block=block, stream=stream)
                for block in (1, 2, 3)
                for stream, loss in (("residual", 0.2), ("transient", 0.0))
            ]
    return rows


def marks(figure):
    lines = (line for axes in figure.findobj(lambda a: hasattr(a, "get_lines")) for line in axes.get_lines())
    return {line.get_gid(): line for line in lines if line.get_gid()}


def test_where_nothing_trained_the_figure_says_so():
    lost = [
        row.model_copy(update={"status": "diverged", "accuracy": None})
        for row in table()
        if row.block is None
    ]
    assert any("every training diverged" in text.get_text() for text in rir.draw(lost).texts)


def test_marks_are_means_over_seeds_and_paired_differences():
    found = marks(rir.draw(table()))
    for arm, level in LEVELS.items():
        assert found[f"accuracy {arm}"].get_xdata()[0] == pytest.approx(100 * level + 1)
    assert found["difference resnet"].get_xdata()[0] == pytest.approx(6.0)
    assert "difference rir" not in found


def test_a_panel_an_arm_shows_each_block_without_each_stream():
    found = marks(rir.draw(table()))
    for arm, level in LEVELS.items():
        residual, transient = (found[f"{s} {arm}"].get_xydata() for s in ("residual", "transient"))
        assert np.allclose(transient[:, 1], 100 * level + 1 - 10 * np.arange(1, 4))
        assert np.allclose(residual[:, 1], transient[:, 1] - 20)
        assert np.round(residual[:, 0]).tolist() == [1, 2, 3]


def test_one_seed_and_missing_arms_are_drawn():
    found = marks(rir.draw(table(seeds=(0,), arms=("plain", "rir"))))
    assert "accuracy rir" in found
    assert "accuracy resnet" not in found


def test_the_caption_names_sizes_seeds_bars_and_rates():
    text = rir.caption(table())
    assert "66,732 parameters" in text
    assert "95 % interval (Student's t) over 3 seeds" in text
    assert "plain CNN 0.1" in text
    assert "Diverged" not in text
    lost = [r.model_copy(update={"status": "diverged", "accuracy": None}) for r in table(arms=("plain",))]
    assert "Diverged and omitted" in rir.caption(
        [*table(arms=("resnet", "rir")), *(r for r in lost if not r.block)]
    )

"""A table and figures of a run with invented numbers."""

import csv
import json
import sys

import numpy as np
import pytest

from benchmarks import gpu_plane_figures as figures
from ib_analysis.errors import UserError

NATS = np.log(2.0)
EPOCHS = (0, 1, 2)
TAPS = (("classifier", "h3"), ("classifier", "pooled"), ("autoencoder", "h4"))
BITS = {0: 90.0, 1: 70.0, 2: 75.0}
"""CE(x|h) at each epoch; CE(x) is 100 bits."""
IMAGES = 64


def member(regime, network, epoch, tap, seed, final):
    return {
        "regime": regime,
        "network": network,
        "epoch": epoch,
        "tap": tap,
        "decoder_seed": seed,
        "steps": 20,
        "best_step": 20,
        "late_gain_nats": 2.0 * NATS,
        "holdout_history": [[0, 100.0 * NATS], [10, (final + 4 * epoch) * NATS], [20, final * NATS]],
    }


@pytest.fixture
def run_folder(tmp_path):
    members, means = [], []

    def add(regime, network, epoch, tap, seed, bits):
        members.append(member(regime, network, epoch, tap, seed, bits))
        means.append(bits)

    for seed in range(3):
        add("", 0, 0, "p(x)", seed, 100.0)
    for seed in range(2):
        add("", 0, 0, "label", seed, 96.0 - seed)
        add("", 0, 0, "label in noise", seed, 98.0 - seed)
    for regime, tap in TAPS:
        for network in range(2):
            for epoch in EPOCHS:
                for seed in range(2):
                    add(regime, network, epoch, tap, seed, BITS[epoch] + 2 * network - seed)
    spread = np.tile([-1.0, 1.0], IMAGES // 2)
    nats = ((np.array(means)[:, None] + spread) * NATS).astype(np.float32)
    (tmp_path / "members.json").write_text(json.dumps({"members": members}))
    np.savez(tmp_path / "evaluation.npz", nats=nats)
    np.savez(tmp_path / "seen.npz", nats=nats[:, :32] + np.float32(NATS))
    code = np.arange(IMAGES) % 4
    np.savez(tmp_path / "codes.npz", **{"label/evaluation": code, "label/seen": code[:32]})
    with (tmp_path / "curves.csv").open("w") as lines:
        lines.write("regime,network,epoch,learning_rate,loss,metric,encoder_part,held_out_part,seconds\n")
        for network in range(2):
            for epoch in EPOCHS:
                lines.write(
                    f"classifier,{network},{epoch},0.1,1.0,accuracy,{0.3 * (epoch + 1)},{0.2 * (epoch + 1)},1\n"
                )
    drawn = np.arange(2 * 4 * 3 * 4 * 4, dtype=np.uint8).reshape(2, 4, 3, 4, 4)
    np.savez(
        tmp_path / "samples-classifier-h3.npz", original=drawn[0], **{f"epoch{e}": drawn for e in EPOCHS}
    )
    return tmp_path


def test_information_is_less_cross_entropy_by_network_seed_and_epoch(run_folder):
    run = figures.Run.of(run_folder)
    found = run.information("classifier", "pooled", "evaluation")
    expected = [[[100 - BITS[e] - 2 * n + s for e in EPOCHS] for s in (0, 1)] for n in (0, 1)]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_average_of_p_of_x_is_a_density_below_each_mean(run_folder):
    nats = np.load(run_folder / "evaluation.npz")["nats"]
    nats[0] += np.float32(NATS)  # half the probability: the average of 1/2, 1 and 1 is 5/6
    np.savez(run_folder / "evaluation.npz", nats=nats)
    run = figures.Run.of(run_folder)
    spread = np.tile([-1.0, 1.0], IMAGES // 2)
    np.testing.assert_allclose(run.marginal["evaluation"], 100.0 + spread + np.log2(6 / 5), atol=1e-4)


def test_a_rung_counts_its_entropy(run_folder):
    rung = figures.rungs(figures.Run.of(run_folder))["label"]
    assert rung.entropy == pytest.approx(2.0)
    np.testing.assert_allclose(rung.bare, [4.0, 5.0], atol=1e-4)
    np.testing.assert_allclose(rung.in_noise, [2.0, 3.0], atol=1e-4)


def test_the_fall_by_steps_is_the_last_epoch_less_the_peak(run_folder):
    steps, fall = figures.fall_by_steps(figures.Run.of(run_folder), "classifier", "h3")
    assert steps == [0, 10, 20]
    np.testing.assert_allclose(fall.mean(axis=(0, 1)), [0.0, 9.0, 5.0], atol=1e-9)


def test_the_table_holds_every_decoder_in_bits_and_the_average_of_p_of_x(run_folder):
    rows = figures.table(figures.Run.of(run_folder))
    assert len(rows) == 3 + 4 + len(TAPS) * 12 + 1
    point = next(
        r for r in rows if (r["regime"], r["tap"], r["epoch"], r["network"]) == ("classifier", "h3", 2, 1)
    )
    assert (point["ce_bits"], point["ce_seen_bits"], point["late_gain_bits"]) == (77.0, 78.0, 2.0)
    assert point["ce_stderr_bits"] == pytest.approx(1 / 8, abs=2e-3)
    assert rows[0]["network"] == ""
    assert (rows[-1]["tap"], rows[-1]["ce_bits"]) == ("average of p(x)", 100.0)


def test_all_files_are_made_the_same_each_time(run_folder, tmp_path):
    paths = figures.make_all(run_folder, tmp_path / "out")
    first = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in figures.make_all(run_folder, tmp_path / "out")] == first
    assert len(list(csv.DictReader(paths[3].open()))) == 3 + 4 + len(TAPS) * 12 + 1


def test_errors_of_draws_tell_lightness_from_colour():
    original = np.zeros((2, 3, 4, 4))
    drawn = np.zeros((5, 2, 3, 4, 4))
    drawn[:, 0] = 0.1  # the first image is lighter, the second is redder
    drawn[:, 1, 0] = 0.3
    lightness, colour = figures.squared_errors(drawn, original)
    np.testing.assert_allclose(lightness, [0.01, 0.01])
    np.testing.assert_allclose(colour, [0.0, (0.2**2 + 2 * 0.1**2) / 3], atol=1e-12)


def test_errors_of_draws_have_a_row_an_epoch_and_one_of_another_image(run_folder):
    rows = figures.sample_errors(run_folder)
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "other image"]
    assert (rows[0]["regime"], rows[0]["tap"]) == ("classifier", "h3")


def test_samples_are_enlarged_by_whole_pixels():
    image = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    large = figures.enlarged(image, 3)
    assert large.shape == (6, 6, 3)
    np.testing.assert_array_equal(large[::3, ::3], image.transpose(1, 2, 0))
    assert (large[:3, :3] == image[:, 0, 0]).all()


def test_a_folder_without_a_run_is_one_sentence(tmp_path, monkeypatch, capsys):
    with pytest.raises(UserError, match=r"holds no members\.json"):
        figures.Run.of(tmp_path)
    monkeypatch.setattr(sys, "argv", ["gpu_plane_figures", str(tmp_path), str(tmp_path / "out")])
    assert figures.run_command("gpu_plane", figures.__doc__, figures.make_all) == 1
    assert capsys.readouterr().err.count("\n") == 1

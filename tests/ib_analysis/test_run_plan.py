"""The plan of a run: its fits are those that the experiment has, its seconds those that were measured."""

from pathlib import Path

import pytest
import yaml

from ib_analysis.experiment import load_experiment
from ib_analysis.run_plan import (
    RunPlan,
    StepSeconds,
    earlier_seconds,
    expected_interval,
    fits_a_job,
    foreseen_seconds,
    image_shape,
    measured_steps,
    plan_run,
)

ABSENT = Path("no/such/folder")


@pytest.fixture(scope="module")
def demo():
    return load_experiment(yaml.safe_load(Path("workflow/config/demo.yaml").read_text()))


def benchmark(folder: Path, name: str, seconds: str, load: float = 90.0) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmean_load\n{seconds}\t0:00:09\t{load}\n")


def test_fits_of_the_demo(demo):
    """2 seeds x 8 checkpoints and 2 shuffled ones of 3 taps, the identity of 1, an image and a label decoder each."""
    assert round(19 * fits_a_job(demo)["fit_decoders"]) == (18 * 3 + 1) * 2


def test_fits_of_the_ladder_are_its_rungs(demo):
    """Six groups: 2 of the label, 5 and 5 of k-means, 3 of signs, 5 rotations, 2 of another image."""
    assert round(6 * fits_a_job(demo)["measure_calibration"]) == 22 * 2


def test_earlier_jobs_tell_the_seconds_of_their_rule(tmp_path):
    benchmark(tmp_path, "measurement/fit_decoders/net/classifier/seed0/epoch1.tsv", "40.0")
    benchmark(tmp_path, "decoder-seed-1/fit_decoders/net/classifier/seed0/epoch1.tsv", "60.0")
    benchmark(tmp_path, "prepare_dataset.tsv", "2.5")
    benchmark(tmp_path, "measurement/fit_marginal.tsv", "")
    assert earlier_seconds(tmp_path, {}) == {"fit_decoders": 50.0, "prepare_dataset": 2.5}


def test_pieces_of_a_study_are_no_measure_of_those_of_another(tmp_path):
    benchmark(tmp_path, "run_study/rir/plain-rate0.1-seed0.tsv", "20.0")
    benchmark(tmp_path, "run_study/rir/plain-rate0.1-seed1.tsv", "30.0")
    benchmark(tmp_path, "run_study/stable/training-none-none-3.tsv", "900.0")
    found = earlier_seconds(tmp_path, {})
    assert found == {"run_study/rir": 25.0, "run_study/stable": 900.0}
    jobs = {"run_study/rir": 4, "run_study/quantized": 2}
    plan = RunPlan("mine", jobs, {}, found, 2, "Intervals.", start=2.0)
    lines = [line.split() for line in plan.table().splitlines()]
    assert ["pieces", "of", "rir", "4", "2", "min"] in lines
    assert ["pieces", "of", "quantized", "2"] in lines
    assert plan.total_seconds == (4 * 25 + 2 * 2) / 2, "of a study without earlier pieces the starts alone"
    assert not plan.is_whole


def test_a_piece_of_other_settings_is_no_measure_of_todays(tmp_path):
    """One seed took 20 s; eight of them are one piece now."""
    benchmark(tmp_path, "run_study/rir/plain-rate0.1-seed0.tsv", "20.0")
    assert earlier_seconds(tmp_path, {"rir": ["plain-rate0.1-seeds0_1"]}) == {}
    benchmark(tmp_path, "run_study/rir/plain-rate0.1-seeds0_1.tsv", "32.0")
    assert earlier_seconds(tmp_path, {"rir": ["plain-rate0.1-seeds0_1"]}) == {"run_study/rir": 32.0}


def test_a_plan_knows_the_pieces_of_its_studies(tmp_path):
    experiment = load_experiment(yaml.safe_load(Path("workflow/config/six-papers.yaml").read_text()))
    piece = experiment.studies.repeated["rir"].pieces[0]
    for name, seconds in ((piece, "40.0"), ("resnet-rate0.5-seed0", "9.0")):
        benchmark(tmp_path / "benchmarks", f"run_study/rir/{name}.tsv", seconds)
    plan = plan_run(experiment, tmp_path, {"run_study/rir": 2}, 2, "cpu", 1)
    assert plan.seconds["run_study/rir"] == 40.0


def test_a_job_that_was_suspended_tells_nothing_of_the_others(tmp_path):
    """One hour asleep; a long job that computed counts, and a short one that waited for its files."""
    for epoch, (seconds, load) in enumerate((("60.0", 95), ("3700.0", 2), ("3700.0", 60), ("4.0", 2))):
        benchmark(tmp_path, f"fit_decoders/net/classifier/seed0/epoch{epoch}.tsv", seconds, load)
    benchmark(tmp_path, "train_encoder/net/classifier/seed0.tsv", "500.0", 1)
    assert earlier_seconds(tmp_path, {}) == {"fit_decoders": pytest.approx(3764 / 3)}


def test_seconds_of_a_fit_are_its_steps(demo):
    found = foreseen_seconds(demo, StepSeconds(image=0.1, label=0.01, start=4.0))
    assert found["fit_pretrained"] == pytest.approx(4 + 600 * 0.1)
    assert found["fit_marginal"] == pytest.approx(4 + 80 * 0.1)
    assert found["fit_decoders"] == pytest.approx(
        4 + fits_a_job(demo)["fit_decoders"] / 2 * (80 * 0.1 + 300 * 0.01)
    )


def test_the_table_adds_up_and_says_what_it_leaves_out(demo):
    jobs = {"prepare_dataset": 1, "fit_decoders": 4, "plot_figures": 2}
    plan = RunPlan("mine", jobs, {"fit_decoders": 6.0}, {"fit_decoders": 300.0}, 2, "Intervals.")
    lines = [line.split() for line in plan.table().splitlines()]
    assert ["decoders", "of", "p(x|h)", "and", "p(y|h)", "4", "24", "20", "min"] in lines
    assert " ".join(lines[-2]) == "in all 7 24 about 10 min on 2 cores, and what has no time above"
    unknown = RunPlan("mine", {"plot_figures": 1}, {}, {"fit_decoders": 300.0}, 1, "Intervals.")
    assert unknown.table().splitlines()[-2].split() == ["in", "all", "1", "0"]
    whole = RunPlan("mine", {"fit_decoders": 4}, {}, {"fit_decoders": 300.0}, 1, "Intervals.")
    assert whole.table().splitlines()[-2].endswith("about 20 min on 1 core")


def test_a_job_without_a_time_has_at_least_its_start():
    plan = RunPlan(
        "mine", {"fit_decoders": 2, "plot_figures": 8}, {}, {"fit_decoders": 60.0}, 2, "Intervals.", 5.0
    )
    assert plan.total_seconds == (2 * 60 + 8 * 5) / 2


@pytest.mark.parametrize(("gpus", "seconds"), [(1, 240.0), (2, 120.0), (4, 60.0), (16, 30.0)])
def test_jobs_that_wait_for_a_gpu_decide_the_time(gpus, seconds):
    jobs = {"fit_decoders": 4, "plot_figures": 24}
    plan = RunPlan("mine", jobs, {}, {"fit_decoders": 60.0}, 16, "Intervals.", 10.0, gpus)
    assert plan.total_seconds == seconds
    assert f"on 16 cores, {gpus} job{'s' * (gpus > 1)} at once on a GPU" in plan.table()


def test_the_width_of_intervals_is_that_of_the_last_table_or_is_not_said(demo, tmp_path):
    assert "Their width is known at the end" in expected_interval(demo, tmp_path)
    (tmp_path / "information.csv").write_text(
        "quantity,bound,low_bits,high_bits\nI(x;h),none,1,3\nI(x;h),none,1,2\nI(x;h),none,1,9\n"
        "I(x;h),exact,5,5\nI(y;h),lower,0,99\n"
    )
    assert "reached 1 bits to each side (median of 3 points)" in expected_interval(demo, tmp_path)


@pytest.mark.parametrize(
    ("preset", "dataset", "words"),
    [
        ("quick", {"kind": "digits"}, "0.86 bits to each side (median; preset quick, images of 1x8x8"),
        (
            "quick",
            {"kind": "cifar10", "size": 8},
            "4.8 bits to each side (median; preset quick, images of 3x8x8",
        ),
        (
            "standard",
            {"kind": "cifar10"},
            "4.7 bits to each side (median; preset standard, images of 3x32x32",
        ),
        ("careful", {"kind": "digits"}, "Their width is known at the end"),
    ],
)
def test_a_preset_says_before_a_run_how_wide_intervals_of_codes_were(tmp_path, preset, dataset, words):
    given = yaml.safe_load(Path("workflow/config/preset-ladder.yaml").read_text())
    experiment = load_experiment(given | {"dataset": dataset, "decoders": {"preset": preset}})
    assert words in expected_interval(experiment, tmp_path)


def test_the_shape_of_the_prepared_images_stands_before_that_of_their_kind(demo, tmp_path):
    assert image_shape(demo, ABSENT) == {"channels": 1, "height": 8, "width": 8, "levels": 17, "classes": 10}
    header = tmp_path / "header.json"
    header.write_text('{"channels": 3, "height": 4, "width": 5, "levels": 9, "class_names": ["a", "b"]}')
    assert image_shape(demo, header) == {"channels": 3, "height": 4, "width": 5, "levels": 9, "classes": 2}


def test_steps_are_measured_in_a_process_of_their_own(demo, monkeypatch):
    monkeypatch.setattr("ib_analysis.run_plan.LONGEST_SECONDS", 300)
    steps = measured_steps(demo, ABSENT, "cpu", 1)
    assert 0 < steps.label < steps.image
    assert steps.start > 0.3


def test_a_machine_that_is_too_slow_to_measure_begins_without_a_time(demo, monkeypatch):
    monkeypatch.setattr("ib_analysis.run_plan.LONGEST_SECONDS", 0.01)
    assert measured_steps(demo, ABSENT, "cpu", 1) is None


def test_nothing_is_measured_where_jobs_run_elsewhere_or_fit_nothing(demo, tmp_path, monkeypatch):
    monkeypatch.setattr("ib_analysis.run_plan.measured_steps", lambda *_: pytest.fail("measured"))
    assert plan_run(demo, tmp_path, {"fit_decoders": 3}, 4, None, 1).seconds == {}
    assert plan_run(demo, tmp_path, {"plot_figures": 1}, 4, "cpu", 1).seconds == {}
    benchmark(tmp_path, "benchmarks/measurement/fit_decoders/a.tsv", "7")
    assert plan_run(demo, tmp_path, {"fit_decoders": 3}, 4, "cpu", 1).seconds == {"fit_decoders": 7.0}

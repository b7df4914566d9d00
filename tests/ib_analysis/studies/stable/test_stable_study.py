"""The study: its pieces, its rows, and verdicts that follow from them."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from ib_analysis.datasets.dataset import Dataset, Header, Part
from ib_analysis.errors import UserError
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.studies.specs.stable import NORMS, SCALINGS, StableStudySpec
from ib_analysis.studies.stable import study as study_module
from ib_analysis.studies.stable import trainability
from ib_analysis.studies.stable.claims import gradient_slope, kernel_accuracy_change
from ib_analysis.studies.stable.row import StableRow, chosen_learning_rates
from ib_analysis.studies.stable.study import StableStudy, chosen_rows, on_the_sphere
from ib_analysis.studies.stable.trainability import Trained
from ib_analysis.studies.study import Setting
from ib_analysis.studies.training_part import training_part

SPEC = StableStudySpec(
    seeds=(0, 1), depths=(2, 8), width=32, draws=2, kernel_images=24, ridges=(1e-4, 0.1), stage_blocks=(1, 2),
    widths=(4, 8), learning_rates=(0.05,), training={"epochs": 1, "batch_size": 16},
)  # fmt: skip


def part(name, count, seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = rng.integers(0, 9, (count, 1, 6, 6))
    for label in range(3):
        images[labels == label, :, 2 * label : 2 * label + 2] += 8
    return Part(name, images.astype(np.uint8), labels.astype(np.int64))


@pytest.fixture
def setting(tmp_path):
    header = Header(
        name="stripes", channels=1, height=6, width=6, levels=17, class_names=("a", "b", "c"),
        counts={"encoder": 40, "decoder": 30, "evaluation": 30}, duplicates_dropped=0, fingerprint="0",
    )  # fmt: skip
    data = Dataset(header, part("encoder", 40, 0), part("decoder", 30, 1), part("evaluation", 30, 2))
    return Setting(torch.device("cpu"), tmp_path, data)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_piece_is_measured_and_judged(setting, tmp_path):
    study = StableStudy(SPEC)
    rows = [row for piece in SPEC.pieces for row in study.measure(piece, setting)]
    arms = [(r.quantity, r.scaling, r.norm, r.depth, r.seed) for r in rows]
    assert len(set(arms)) == len(arms)
    # 3 scalings x 2 depths x 2 seeds of 3 signals and 4 kernel figures; x 2 norms of accuracy and gradient.
    assert len(rows) == 12 * 7 + 24 * 2
    write_rows(tmp_path / "stable.csv", StableRow, rows)
    assert read_rows(tmp_path / "stable.csv", StableRow) == tuple(rows)
    found = study.verdicts(rows)
    assert len(found) == 27
    assert all(v.n_seeds == 2 and v.study == "stable" for v in found)
    assert [v.kind for v in found] == ["implementation"] * 6 + ["claim"] * 21
    assert list(study.measure("signals-seed1", setting)) == [
        r for r in rows if r.closed_form is not None and r.seed == 1
    ]


def test_networks_learn_from_the_images_that_their_seed_draws(setting, monkeypatch):
    learned = {}

    def recorded(members, *_):
        for member in members:
            learned.setdefault(member.seed, []).append(member.part.images)
        return [False] * len(members)

    monkeypatch.setattr(trainability, "train_classifiers", recorded)
    study = StableStudy(SPEC.model_copy(update={"training_images": 16, "further_learning_rates": 0}))
    for blocks in SPEC.stage_blocks:
        study.measure(f"training-none-none-{blocks}", setting)
    for seed in SPEC.seeds:
        drawn = training_part(setting.images.encoder, 16, seed, "stable").images
        assert len(learned[seed]) == len(SPEC.stage_blocks) * len(SPEC.learning_rates)
        assert all(np.array_equal(images, drawn) for images in learned[seed])


def tried(monkeypatch, setting, validation, **settings):
    """The rates that the study tries, and the chosen one, if `validation` gives the accuracy of a seed at a rate."""
    spec = SPEC.model_copy(update={"stage_blocks": (1, 2), "learning_rates": (0.1, 0.01), **settings})

    def of_seed(rate, seed):
        return Trained(1.0, validation(rate, seed), accuracy=0.5, stem_log_gradient=2.0, chance=0.1)

    def invented(network, trainings, seeds, count, setting):
        return [[of_seed(training.learning_rate, seed) for seed in seeds] for training in trainings]

    monkeypatch.setattr(study_module, "train_all", invented)
    rows = StableStudy(spec).measure("training-none-none-2", setting)
    assert {row.depth for row in rows} == {sum(spec.network("none", "none", 2).blocks)}
    assert len([row for row in rows if row.quantity == "stem_log_gradient"]) == len(spec.seeds)
    rates = [row.learning_rate for row in rows if row.quantity == "test_accuracy"]
    assert sorted(rates) == sorted(list(dict.fromkeys(rates)) * len(spec.seeds))
    (chosen,) = chosen_learning_rates(rows).values()
    return list(dict.fromkeys(rates)), chosen


def best_at(rate):
    """Accuracies that fall with the distance from a rate; seed 1 alone would choose the largest."""
    return lambda tried, seed: 0.9 - 0.1 * abs(math.log10(tried / rate)) + 0.05 * seed * math.log10(tried)


def test_rates_are_tried_until_the_best_lies_inside(monkeypatch, setting):
    """Beyond the end where the networks are best, in the steps of the given rates."""
    assert tried(monkeypatch, setting, best_at(0.001)) == ([0.1, 0.01, 0.001, 1e-4], 0.001)
    assert tried(monkeypatch, setting, best_at(1.0)) == ([0.1, 0.01, 1.0, 10.0], 1.0)
    assert tried(monkeypatch, setting, best_at(0.03), learning_rates=(0.1, 0.03, 0.01))[0] == [
        0.1,
        0.03,
        0.01,
    ]
    assert tried(monkeypatch, setting, best_at(1e-9), further_learning_rates=3)[0][-1] == 1e-5
    assert tried(monkeypatch, setting, best_at(1e-9), learning_rates=(0.1,)) == ([0.1], 0.1)


def test_smaller_rates_are_tried_while_every_seed_diverges(monkeypatch, setting):
    def lost(rate, seed):
        return None if rate > 2e-4 else 0.3 if rate > 2e-5 else 0.2

    assert tried(monkeypatch, setting, lost) == ([0.1, 0.01, 0.001, 1e-4, 1e-5], 1e-4)


def test_smaller_rates_are_tried_while_nothing_learns(monkeypatch, setting):
    """Dead networks have the accuracy of the most frequent label at every rate."""

    def dead(rate, seed):
        return 0.1 if rate > 2e-4 else 0.3 if rate > 2e-5 else 0.2

    found = tried(monkeypatch, setting, dead, learning_rates=(1.0, 0.01))
    assert found == ([1.0, 0.01, 1e-4, 1e-6], 1e-4)


def test_three_small_rates_that_move_nothing_end_the_search(monkeypatch, setting):
    def still(rate, seed):
        return None if rate > 2e-3 else 0.1

    assert tried(monkeypatch, setting, still)[0] == [0.1, 0.01, 0.001, 1e-4, 1e-5]


def invented(slopes, c=0.4, rank=(8.0, 8.0), kernel=(0.98, 0.98), trained=(0.9, 0.9), stem=(9.0, 0.5)):
    """Rows of two depths for three scalings, alike but for what `slopes` and the lasts of the pairs say of `none`."""
    rows = []
    for seed, wiggle in ((0, -1e-3), (1, 1e-3)):
        for scaling in SCALINGS:
            plain = scaling == "none"
            for i, depth in enumerate(SPEC.depths):
                values = {
                    "log_gradient_growth": depth * (slopes[0] if plain else slopes[1]) + wiggle,
                    "correlation": c + wiggle,
                    "nngp_effective_rank": rank[i if plain else 0] + wiggle,
                    "nngp_accuracy": kernel[i if plain else 0] + wiggle * i,
                    "ntk_accuracy": kernel[0] + wiggle * i,
                }
                rows += [
                    StableRow(
                        quantity=q,
                        scaling=scaling,
                        norm="none",
                        depth=depth,
                        seed=seed,
                        value=v,
                        closed_form=0.4,
                    )
                    for q, v in values.items()
                ]
            rows += [
                StableRow(
                    quantity=quantity, scaling=scaling, norm=norm, depth=depth, seed=seed, value=value,
                    learning_rate=0.05 if quantity == "test_accuracy" else None,
                    validation_accuracy=0.5 if quantity == "test_accuracy" else None,
                    chance=0.1 if quantity == "test_accuracy" else None,
                )
                for norm in NORMS
                for depth in (2, 4)
                for quantity, value in (
                    ("test_accuracy", 0.9 if depth == 2 else trained[0] if plain else trained[1] + wiggle),
                    ("stem_log_gradient", (depth - 2) / 2 * (stem[0] if plain else stem[1]) + wiggle),
                )
            ]  # fmt: skip
    return rows


def answer(rows, beginning):
    """The answers, all of them, to the claims that begin so."""
    found = {v.reproduced for v in StableStudy(SPEC).verdicts(rows) if v.claim.startswith(beginning)}
    assert found, beginning
    return found


def test_what_the_paper_says_is_reproduced_where_the_rows_say_it():
    rows = invented((math.log(2), 0.0), rank=(8.0, 1.0), kernel=(0.98, 0.9), trained=(0.2, 0.9))
    for scaling in SCALINGS:
        assert answer(rows, f"{scaling}: the log squared gradient") == {"yes"}
        assert answer(rows, f"{scaling}: two inputs") == {"yes"}
        assert answer(rows, f"{scaling}: the effective rank") == {"yes"}
        assert answer(rows, f"{scaling}: accuracy of ridge regression with the NNGP") == {"yes"}
    assert answer(rows, "uniform: with") == {"yes"}
    assert answer(rows, "decreasing: with batch norm, accuracy does not decrease") == {"yes"}
    assert answer(rows, "decreasing: without batch norm, the log squared gradient of the stem") == {"yes"}
    # The invented NTK loses nothing, which contradicts what is said of the unscaled one.
    assert answer(rows, "none: accuracy of ridge regression with the NTK") == {"no"}


def test_the_growth_of_the_stems_gradient_is_that_of_the_deepest_network():
    """Both grow from 0 at the shallowest."""
    (found,) = (
        v
        for v in StableStudy(SPEC).verdicts(invented((0.0, 0.0), stem=(9.0, 0.5)))
        if v.claim.startswith("uniform: with batch norm, the log squared gradient of the stem")
    )
    assert found.our_value == pytest.approx(8.5)
    assert "grows by 0.50 against 9.00 nats" in found.why


def test_a_gradient_that_is_not_finite_is_not_judged():
    lost = ("stem_log_gradient", "none", "batch", 4, 1)
    rows = [r for r in invented((0.0, 0.0)) if (r.quantity, r.scaling, r.norm, r.depth, r.seed) != lost]
    assert answer(rows, "uniform: with batch norm, the log squared gradient of the stem") == {"unclear"}
    assert answer(rows, "uniform: without batch norm, the log squared gradient of the stem") == {"yes"}


@pytest.mark.parametrize(("deep", "expected"), [(0.895, "yes"), (0.86, "no"), (0.885, "unclear")])
def test_accuracy_is_kept_if_less_than_two_points_are_lost(deep, expected):
    """Seeds differ by 0.2 points, so the interval reaches 1.3 points to both sides."""
    rows = invented((0.0, 0.0), trained=(0.2, deep))
    assert answer(rows, "uniform: without batch norm, accuracy does not decrease") == {expected}


@pytest.mark.parametrize(
    ("best_at_end", "expected"),
    [(None, "yes"), (("none", 4), "unclear"), (("uniform", 4), "yes"), (("none", 2), "yes")],
)
def test_a_rate_at_the_end_of_the_tried_ones_may_overturn_an_answer(best_at_end, expected):
    """Only that of the deep unscaled network, which the answer calls worse."""
    rows = invented((0.0, 0.0), trained=(0.2, 0.9))
    networks = [row for row in rows if row.learning_rate is not None]
    for row in networks:
        end = (row.scaling, row.depth) == best_at_end
        for rate, accuracy in ((0.5, 0.6 if end else 0.4), (0.005, 0.4)):
            rows.append(row.model_copy(update={"learning_rate": rate, "validation_accuracy": accuracy}))
    assert answer(rows, "uniform: without batch norm, a network of 4") == {expected}


@pytest.mark.parametrize(("at_end", "expected"), [(None, "no"), (4, "unclear"), (2, "no")])
def test_a_loss_of_accuracy_is_unclear_if_the_deep_network_may_do_better_at_another_rate(at_end, expected):
    rows = invented((0.0, 0.0), trained=(0.2, 0.8))
    for row in [row for row in rows if row.learning_rate is not None]:
        for rate, accuracy in ((0.5, 0.4), (0.005, 0.6 if row.depth == at_end else 0.4)):
            rows.append(row.model_copy(update={"learning_rate": rate, "validation_accuracy": accuracy}))
    assert answer(rows, "uniform: without batch norm, accuracy does not decrease") == {expected}


@pytest.mark.parametrize(("lost", "expected"), [(0.5, "yes"), (0.0005, "unclear")])
def test_a_network_that_no_rate_trains_is_worse_if_the_smallest_rates_move_too_little(lost, expected):
    """A rate at which it diverged is too large, and below that there may be one at which it learns."""
    rows = [
        row.model_copy(update={"validation_accuracy": 0.1})
        if (row.scaling, row.depth) == ("none", 4) and row.learning_rate
        else row
        for row in invented((0.0, 0.0), trained=(0.1, 0.9))
    ]
    for row in [row for row in rows if row.learning_rate is not None]:
        for rate in (0.5, 0.005, 0.0005):
            worse = None if rate == lost else 0.1
            rows.append(row.model_copy(update={"learning_rate": rate, "validation_accuracy": worse}))
    claim = "uniform: without batch norm, a network of 4"
    assert answer(rows, claim) == {expected}
    (why,) = (v.why for v in StableStudy(SPEC).verdicts(rows) if v.claim.startswith(claim))
    assert "against 10.0 % at none of 4 rates from 0.0005 to 0.5 above chance" in why


def test_what_the_rows_contradict_is_not_reproduced():
    rows = invented(
        (0.3, 0.3), c=0.9, rank=(8.0, 8.0), kernel=(0.98, 0.98), trained=(0.95, 0.2), stem=(0.5, 9.0)
    )
    for beginning in (
        "none: the log squared",
        "decreasing: the log squared",
        "none: two inputs",
        "decreasing: with",
    ):
        assert answer(rows, beginning) == {"no"}
    assert answer(rows, "none: the effective rank") == {"no"}
    assert answer(rows, "uniform: the effective rank") == {"yes"}


def grown(growth):
    """Slopes of the scaled arms over four depths at which the log gradient has grown by so many nats."""
    spec = StableStudySpec(seeds=(0, 1))
    rows = [
        StableRow(
            quantity="log_gradient_growth", scaling="uniform", norm="none", depth=depth, seed=seed,
            value=nats + 1e-3 * seed,
        )
        for seed in spec.seeds
        for depth, nats in zip(spec.depths, growth, strict=True)
    ]  # fmt: skip
    return gradient_slope(rows, spec, "uniform")


def test_a_gradient_that_grows_by_many_nats_is_not_bounded():
    """Branches with lambda^2 = L^-1/2 grow like e^sqrt(L): 0.028 nats a block, within 5 % of log 2."""
    assert grown((3.6, 6.6, 13.7, 31.1)).reproduced == "no"
    found = grown((1.96, 2.07, 2.15, 2.197))
    assert found.reproduced == "yes"
    assert "within 0.001 of it" in found.why


@pytest.mark.parametrize(("last", "falls", "does_not"), [(0.965, "no", "yes"), (0.95, "yes", "no")])
def test_a_fall_is_one_of_two_points_for_every_scaling(last, falls, does_not):
    """A loss that counts as none where branches are scaled is no fall where they are not."""
    rows = [
        StableRow(
            quantity="nngp_accuracy", scaling=scaling, norm="none", depth=depth, seed=seed,
            value=value + 1e-4 * seed * (depth == 8),
        )
        for scaling in SCALINGS
        for seed in SPEC.seeds
        for depth, value in zip(SPEC.depths, (0.98, last), strict=True)
    ]  # fmt: skip
    found = {s: kernel_accuracy_change(rows, SPEC, s, "nngp_accuracy").reproduced for s in SCALINGS}
    assert found == {"none": falls, "uniform": does_not, "decreasing": does_not}


def test_the_spread_over_seeds_makes_an_answer_unclear():
    rows = invented((math.log(2), 0.0))
    wide = [
        row.model_copy(update={"value": row.value + 0.6 * row.seed}) if row.quantity == "correlation" else row
        for row in rows
    ]
    assert answer(wide, "uniform: two inputs") == {"unclear"}


def test_images_lie_on_the_sphere():
    images = part("encoder", 5, 3).images
    found = on_the_sphere(images, 17, torch.tensor([0.5]), torch.tensor([0.25]))
    assert found.shape == (5, 36)
    assert torch.allclose(found.square().mean(1), torch.ones(5, dtype=torch.float64))


def test_images_follow_from_the_seed_and_none_comes_twice():
    whole = part("encoder", 40, 0)
    rows = chosen_rows(whole, 24, 0)
    assert len(set(rows.tolist())) == 24
    assert not np.array_equal(rows, chosen_rows(whole, 24, 1))
    assert len(chosen_rows(whole, 100, 0)) == 40


def test_kernel_images_that_every_seed_would_take_whole_are_refused(setting):
    whole = StableStudy(SPEC.model_copy(update={"kernel_images": 40}))
    with pytest.raises(UserError, match=r"kernel_images is 40, but the encoder part has 40 images.*lower it"):
        list(whole.measure("kernels-seed0", setting))


def test_a_spec_that_cannot_hold_is_refused():
    with pytest.raises(ValidationError, match="increasing order"):
        StableStudySpec(depths=(50, 16))
    with pytest.raises(ValidationError, match="allows at most 4"):
        StableStudySpec(width=8, pairs=5)
    with pytest.raises(ValidationError, match="stage_blocks"):
        StableStudySpec(stage_blocks=(3, 3))
    with pytest.raises(ValidationError, match="learning_rates names one of its values twice"):
        StableStudySpec(learning_rates=(0.1, 0.1, 0.01))

"""Verdicts on the claims of the paper, from the tests over networks; the rules stand in the study's specification."""

from collections.abc import Iterator, Sequence

from ib_analysis.information.inference.network_stages import Verdict as Decision
from ib_analysis.studies.darlow2020.row import DarlowRow, Images, Number, Question
from ib_analysis.studies.seed_interval import Answer
from ib_analysis.studies.specs.darlow2020 import CLAIMS, RULES_WRITTEN
from ib_analysis.studies.verdict import Verdict

STUDY = "darlow2020"
ANSWERS: dict[Decision, Answer] = {"yes": "yes", "no": "no", "undecided": "unclear"}
OPPOSITE: dict[Decision, Answer] = {"yes": "no", "no": "yes", "undecided": "unclear"}
TESTED: tuple[tuple[str, Number, Question], ...] = (
    ("fitting", "i", "fitting"),
    ("compression", "ii", "compression"),
    ("early peak", "iii", "early peak"),
    ("below untrained", "iv", "below untrained"),
    ("early taps", "v", "compression"),
    ("without decay", "vii", "compression"),
    ("weight decay", "vii", "weight decay"),
)
"""Claims that one test answers."""
OF_BOTH: tuple[tuple[Question, Images], ...] = (
    ("compression", "held out"),
    ("fitting", "own"),
    ("fitting", "held out"),
)
"""What stands beside compression on own images."""


def verdicts(rows: Sequence[DarlowRow]) -> list[Verdict]:
    """One verdict for each claim, regime and tap; first whether there are two stages, for each regime."""
    found = [*two_stages(rows)]
    for name, number, question in TESTED:
        answers = OPPOSITE if name == "early taps" else ANSWERS
        found += [_verdict(name, row, answers[row.answer]) for row in chosen(rows, number, question)]
        if name == "early taps":
            found += own_images(rows)
    return found


def chosen(
    rows: Sequence[DarlowRow], claim: Number, question: Question, images: Images | None = None
) -> list[DarlowRow]:
    """The tests of a claim."""
    return [
        row for row in rows if (row.claim, row.question) == (claim, question) and images in (None, row.images)
    ]


def two_stages(rows: Sequence[DarlowRow]) -> Iterator[Verdict]:
    """Whether fitting and compression happen at some deep tap of a regime."""
    claim = CLAIMS["two stages"]
    fitting, compression = chosen(rows, "i", "fitting"), chosen(rows, "ii", "compression")
    for regime in dict.fromkeys(row.regime for row in fitting):
        pairs = [
            {one.answer, two.answer}
            for one in fitting
            for two in compression
            if one.regime == regime and _place(one) == _place(two)
        ]
        both = sum(pair == {"yes"} for pair in pairs)
        row = next(row for row in fitting if row.regime == regime)
        yield Verdict(
            study=STUDY,
            kind="claim",
            claim=f"({claim.number}) {regime}: {claim.sentence}",
            paper_value=claim.paper,
            our_value=both,
            stderr=None,
            n_seeds=row.networks,
            reproduced="yes" if both else "no" if all("no" in pair for pair in pairs) else "unclear",
            rule_written=RULES_WRITTEN,
            why=f"of {len(pairs)} deep taps; {_rule(claim.rule)}; {scale(row)}",
        )


def own_images(rows: Sequence[DarlowRow]) -> Iterator[Verdict]:
    """Whether both stages have the same answers on images that the networks learned from and on others."""
    claim = CLAIMS["own images"]
    for own in chosen(rows, "vi", "compression", "own"):
        others, fitting_own, fitting_others = (
            next(row for row in chosen(rows, "vi", question, images) if _place(row) == _place(own))
            for question, images in OF_BOTH
        )
        pairs = [(own.answer, others.answer), (fitting_own.answer, fitting_others.answer)]
        same = all(one == two != "undecided" for one, two in pairs)
        yield Verdict(
            study=STUDY,
            kind="claim",
            claim=f"({claim.number}) {own.regime} {own.tap}: {claim.sentence}",
            paper_value=claim.paper,
            our_value=own.bits - others.bits,
            stderr=None,
            n_seeds=own.networks,
            reproduced="yes" if same else "no" if ("yes", "no") in map(_sorted, pairs) else "unclear",
            rule_written=RULES_WRITTEN,
            why=(
                f"compression on {own.n_images:,} own images {_interval(own)}, on {others.n_images:,} held-out images "
                f"{_interval(others)}; {_rule(claim.rule)}; {scale(own)}"
            ),
        )


def _sorted(pair: tuple[Decision, Decision]) -> tuple[Decision, Decision]:
    one, two = pair
    return (two, one) if one == "no" else (one, two)


def _verdict(name: str, row: DarlowRow, answer: Answer) -> Verdict:
    claim = CLAIMS[name]
    return Verdict(
        study=STUDY,
        kind="claim",
        claim=f"({claim.number}) {row.regime} {row.tap}: {claim.sentence}",
        paper_value=claim.paper,
        our_value=row.bits,
        stderr=row.stderr_bits,
        n_seeds=row.networks,
        reproduced=answer,
        rule_written=RULES_WRITTEN,
        why=f"{_interval(row)}; {_test(row)}; {_rule(claim.rule)}; {scale(row)}",
    )


def _interval(row: DarlowRow) -> str:
    if row.low_bits is None or row.high_bits is None:
        return f"{row.bits:.4g} bits of one network, which decides nothing"
    return f"95 % interval over {row.networks} networks {row.low_bits:.4g} to {row.high_bits:.4g} bits"


def _test(row: DarlowRow) -> str:
    spread = "unknown" if row.spread_bits is None else f"{row.spread_bits:.2g} bits"
    return (
        f"p {row.p_holm:.2g}, corrected for {row.family} tests; spread of fits {spread}, 1 % of the peak "
        f"{row.margin_bits:.2g} bits; peak of the mean at epoch {row.peak_epoch} of {row.last_epoch}"
    )


def _rule(rule: str) -> str:
    return f"rule of {RULES_WRITTEN}: {rule}"


def scale(row: DarlowRow) -> str:
    """Which networks the answer is about: their width, and what they learned.

    Compression cannot be looked for in a network that has no room or has not learned its images.
    """
    score = ""
    if row.own_score is not None:
        held_out = "" if row.held_out_score is None else f", {row.held_out_score:.4g} on others"
        score = f", {row.score.replace('_', ' ')} {row.own_score:.4g} on own images{held_out}"
    return f"{row.encoder} of widths {row.width}{score}"


def _place(row: DarlowRow) -> tuple[str, str, str]:
    return row.encoder, row.regime, row.tap

"""Conclusions that the numbers do not support."""

from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.report.content import NEIGHBOUR, PRETRAINED, ReportContent

HALF = 0.5
ALWAYS = (
    "In a deterministic network the true I(x;h) is constant (for discrete x) or infinite (for continuous "
    "x) [2, 3]. What is measured here is the information that this family of decoders can use, I_V(h → x) "
    "= H_V(x) - H_V(x|h) [4]. It may grow with further computation and need not obey the data-processing "
    "inequality.",
    "CE(x|h) is an upper bound of H(x|h). I(x;h) is a difference of two cross-entropies: an estimate, "
    "neither a lower nor an upper bound, unless H(x) is known [5].",
    "A decrease of I(x;h) does not prove compression unless the decoders are equally well trained; see the table of "
    "fits.",
)


_LONE = (
    " Verdicts on one network speak of that network and its fits, and say nothing of networks trained alike."
)
CONTROLS = {
    "shuffled": "h shuffled between images (must give 0)",
    "identity": "the identity encoder (CE(x|h) must approach 0)",
    "half-data": "decoders fitted to half of the data",
    "filters-": "decoders of other sizes",
    "budget-": "other budgets",
    "decoder-seed-": "other seeds of the decoders",
}


def limitations(content: ReportContent) -> tuple[str, ...]:
    """General limitations, then those of this run."""
    of_this_run = (
        _budget,
        _given,
        _calibration,
        _controls,
        _seeds,
        _fits,
        _ignorance,
        _pretrained,
        _entropy,
        _taps,
    )
    return (*ALWAYS, *(sentence for found in of_this_run for sentence in found(content)))


def _budget(content: ReportContent) -> tuple[str, ...]:
    if all(decoder.density != NEIGHBOUR for decoder in content.decoders):
        return ("Every point of this page had the same decoder and the same budget.",)
    return (
        "Points of different epochs had different budgets: the last epoch's decoder was fitted by itself, each earlier "
        "one from the decoder of the next. This lowers I(x;h) of early points, most where h keeps little.",
    )


def _calibration(content: ReportContent) -> tuple[str, ...]:
    """What the intervals hold, and what they do not."""
    if not content.ladder:
        return (
            "No calibration ladder was run (the key is calibration): intervals hold what such decoders read on "
            "average, not the information itself.",
        )
    out = [row.rung.replace("-", " ") for row in content.ladder if row.quantity.of_image and not row.inside]
    missed = f" Codes of this run outside their intervals: {', '.join(out)}." if out else ""
    return (
        "The intervals hold an information that such decoders can use: codes that scatter it over all pixels, as signs "
        f"of random projections, hold more than these decoders read.{missed}",
        "They are 95 % intervals for codes like those of the ladder. Of known cases unlike any that calibrate fewer "
        "lie inside: docs/validation.md has them.",
    )


def _controls(content: ReportContent) -> tuple[str, ...]:
    names = {row.control.rstrip("0123456789.") for row in content.controls}
    names |= {"decoder-seed-"} if content.decoder_fits() > 1 else set()
    absent = [words for prefix, words in CONTROLS.items() if prefix not in names]
    fails = len({row.point for row in content.controls if row.verdict == "fails"})
    sentences = [f"Controls that were not run: {'; '.join(absent)}."] if absent else []
    sentences += [f"{fails} points fail a control and are marked ‡."] if fails else []
    return tuple(sentences)


def _given(content: ReportContent) -> tuple[str, ...]:
    """Of given networks: whether they have learned on the images, and pixels that they cannot see."""
    blind = [f"{e.encoder}: {r}" for e in content.encoders for r in e.blind]
    said = content.seen_by_network()
    return (*((said,) if said else ()), *blind)


def _seeds(content: ReportContent) -> tuple[str, ...]:
    seeds, decoder = content.seeds_run(), _decoder_seeds(content)
    if seeds > 1:
        return (
            f"Errors in tables are of one network; the figures show the spread over {seeds} seeds. {decoder}",
        )
    return (f"One encoder seed: no error holds the variation between trainings of the encoder. {decoder}",)


def _decoder_seeds(content: ReportContent) -> str:
    if content.decoder_fits() > 1:
        return (
            f"Each number averages the probabilities of {content.decoder_fits()} fits, and its error holds their "
            "spread."
        )
    if any(row.control.startswith("decoder-seed-") for row in content.controls):
        return (
            "Each number is of one fit: its error is over images alone, and the controls show that over fits."
        )
    return "Each number is of one fit: its error is over images alone, and that over fits is unknown."


def _fits(content: ReportContent) -> tuple[str, ...]:
    short = len(content.short_fits())
    if not short:
        return ()
    marginal = any(fit.density == "p(x)" for fit in content.short_fits())
    every = " p(x) is one of them, and every I(x;h) is a difference from it." if marginal else ""
    return (
        f"{short} of {len(content.fits)} decoders were still improving at the end of their budget (marked "
        "†): their cross-entropies are too high, and differences between points may be differences of fit."
        + every,
    )


def _ignorance(content: ReportContent) -> tuple[str, ...]:
    ignored = sum(
        row.weight is not None and row.weight < HALF for row in content.rows if row.quantity.of_image
    )
    if not ignored:
        return ()
    return (
        f"At {ignored} points the decoder has less than half of the weight in p(x|h): what ignores h or knows the "
        "label alone predicts the held-out share better. A family of decoders must be able to ignore h [4]. A small "
        "I(x;h) there means that these decoders could not use h.",
    )


def _pretrained(content: ReportContent) -> tuple[str, ...]:
    if all(decoder.density != PRETRAINED for decoder in content.decoders):
        return ()
    return (
        "All image decoders started from one pretrained unconditional decoder and then had the same short budget. "
        "Points compare with each other, but each is biased towards the pretrained decoder, and CE(x) gains less from "
        "its share of the budget than CE(x|h) does.",
    )


def _entropy(content: ReportContent) -> tuple[str, ...]:
    known = any(row.quantity is Quantity.IMAGE_ENTROPY for row in content.rows)
    return () if known or not content.rows else ("H(x) is not known for this data set.",)


def _taps(content: ReportContent) -> tuple[str, ...]:
    number = len(content.stages)
    if number < 2:
        return ()
    return (
        f"{number} verdicts of each stage: “yes” is corrected for all taps and regimes; “no” (below 1 % of the peak) "
        "holds for one tap at a time."
        + (_LONE if any(stage.networks == 1 for stage in content.stages) else ""),
    )

"""What a reader must not conclude."""

from ib_analysis.information.quantity import Quantity
from ib_analysis.report.content import TRUNK, ReportContent

ALWAYS = (
    "In a deterministic network the true I(x;h) is constant (for discrete x) or infinite (for continuous "
    "x) [2, 3]. What is measured here is the information that this family of decoders can use, I_V(h → x) "
    "= H_V(x) - H_V(x|h) [4]. It may grow with further computation and need not obey the data-processing "
    "inequality.",
    "CE(x|h) is an upper bound of H(x|h). I(x;h) is a difference of two cross-entropies: an estimate, "
    "neither a lower nor an upper bound, unless H(x) is known [5].",
    "A fall of I(x;h) is no proof of compression unless the decoders are equally well trained: every point "
    "of this page had the same decoder and the same budget, and the table of fits says how far each got.",
    "Controls that this page does not hold: a sweep over decoder sizes, h shuffled between images (must "
    "give about 0), and an invertible encoder (must give about H(x)).",
)


def limitations(content: ReportContent) -> tuple[str, ...]:
    """The limits of any such study, then those of this run."""
    return (*ALWAYS, *_seeds(content), *_fits(content), *_trunk(content), *_entropy(content), *_taps(content))


def _seeds(content: ReportContent) -> tuple[str, ...]:
    if content.seeds_run() > 1:
        return (
            f"Standard errors in tables are over images; the spread over {content.seeds_run()} seeds is "
            "drawn in the figures. Each point has one decoder: the spread over decoder seeds is not "
            "measured.",
        )
    return (
        "One seed: standard errors are over evaluation images alone; what another training of the encoder "
        "or of a decoder would have changed is not in them.",
    )


def _fits(content: ReportContent) -> tuple[str, ...]:
    short = len(content.short_fits())
    if not short:
        return ()
    return (
        f"{short} of {len(content.fits)} decoders were still improving at the end of their budget (marked "
        "†): their cross-entropies are too high, and differences between points may be differences of fit.",
    )


def _trunk(content: ReportContent) -> tuple[str, ...]:
    if all(decoder.density != TRUNK for decoder in content.decoders):
        return ()
    return (
        "All decoders of images started from one trunk, an unconditional decoder fitted beforehand, and then "
        "had the same short budget: points compare with each other, but each is biased towards what the "
        "trunk knew, and CE(x) gains less from its share of the budget than a conditional decoder does.",
    )


def _entropy(content: ReportContent) -> tuple[str, ...]:
    known = any(row.quantity is Quantity.IMAGE_ENTROPY for row in content.rows)
    return () if known or not content.rows else ("H(x) is not known for this data set.",)


def _taps(content: ReportContent) -> tuple[str, ...]:
    number = len(content.stages)
    if number < 2:
        return ()
    expected = 0.023 * number
    return (
        f"{number} verdicts at two standard errors each, not corrected for their number: if nothing happened "
        f"at all, up to about {expected:.1f} false “yes” would be expected for each stage.",
    )

"""What CE(x) is made of, component by component."""

from ib_analysis.information.tables.mixture import ComponentRow
from ib_analysis.report.tables.mixture import mixture_table


def test_each_component_stands_with_its_weight_and_what_it_gives_alone():
    alone = ComponentRow(
        component="p(x)", variant="measurement", weight=0.25, holdout_bits=115.2, bits=119.3, stderr_bits=0.9,
        n_images=359,
    )  # fmt: skip
    whole = alone.model_copy(update={"component": "mixture", "variant": "", "weight": 1.0, "bits": 116.0})
    table = mixture_table([alone, whole])
    assert table.rows[0] == ("p(x)", "measurement", "0.250", "115.2", "119.30 ± 0.90", "359")
    assert table.rows[1][0] == "mixture"

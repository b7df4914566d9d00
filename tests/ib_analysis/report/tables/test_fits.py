"""How far each decoder got, in bits."""

from ib_analysis.report.tables.fits import fits_sentence, fits_table


def test_cells_are_in_bits(fits):
    table = fits_table(fits)
    row = dict(zip([c.name for c in table.columns], table.rows[1], strict=True))
    assert row["held-out cross-entropy"] == "57.71 ± 0.72"  # 40 and 0.5 nats
    assert row["late gain"] == "0.43 ± 0.14"  # 0.3 and 0.1 nats
    assert row["near plateau"] == "yes"
    assert table.rows[2][-2] == "no †"


def test_sentence_counts_and_names(fits):
    words = fits_sentence(fits)
    assert words.startswith("3 of 4 decoders reached their plateau")
    assert "p(x|h) of net classifier seed 0 epoch 10 logits" in words
    assert fits_sentence(fits[:2]).startswith("All 2 decoders")
    assert "No decoder" in fits_sentence(())

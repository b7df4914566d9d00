"""The common style of the figures: sizes, colours, direct labels, numbers as text, output files."""

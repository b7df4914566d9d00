"""The figures, each drawn from rows of a table; every module offers `draw(rows)` and `caption(rows)`."""

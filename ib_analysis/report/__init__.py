"""The report: one self-contained page, with its tables as CSV and LaTeX."""

"""What the numbers show: intervals, bands, tests, corrections for many tests, and verdicts."""

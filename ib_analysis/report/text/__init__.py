"""The sentences of the report, derived from the numbers, and its references."""

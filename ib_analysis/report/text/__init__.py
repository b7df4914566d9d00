"""The sentences of the report that follow from the numbers, and what it cites."""

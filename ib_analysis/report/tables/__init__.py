"""The tables of the report, one file a table."""

"""The tables of the report, one file for each table."""

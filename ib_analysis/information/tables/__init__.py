"""The tables: rows in bits, one class a table, and their text for the terminal."""

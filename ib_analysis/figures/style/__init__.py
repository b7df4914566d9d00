"""How every figure looks: sizes, colours, labels beside lines, numbers as text, files."""

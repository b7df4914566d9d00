"""Specifications of the image sources, one file a kind; free of torch and numpy."""

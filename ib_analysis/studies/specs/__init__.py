"""Specifications of the studies, one file a paper; free of torch."""

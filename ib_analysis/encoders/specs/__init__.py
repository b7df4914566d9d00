"""Specifications of the encoders and of their training, one file a kind; free of torch."""

"""Layers from which the encoders are built."""

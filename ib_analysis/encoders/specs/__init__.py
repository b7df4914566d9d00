"""Specifications of the encoders and of their training, one file for each kind; they never import torch."""

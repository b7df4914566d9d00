"""Specifications of the image sources, one file for each kind; they never import torch or numpy."""

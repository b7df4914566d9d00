"""Specifications of the studies, one file for each paper; they never import torch."""

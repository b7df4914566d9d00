"""Stable ResNet (Hayou et al. 2021): signal propagation, kernels and trainability against depth."""

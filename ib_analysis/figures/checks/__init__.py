"""Figures that say how far the measurement can be trusted."""

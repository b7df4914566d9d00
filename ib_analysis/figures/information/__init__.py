"""Figures of the measurement: information against information, epoch and layer."""

"""Figures of the checks of the measurement: controls, known information, consistency."""

"""Sections of a configuration that belong to no one room: they repeat, compare or check the measurement."""

"""Sections of a configuration that use several rooms: they repeat, compare or check the measurement."""

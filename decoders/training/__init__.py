"""Training without densities: steps, schedules, averages, saved states, process groups, files written whole."""

"""Each further paper's own experiment: what it claims, measured at a scale that runs here."""

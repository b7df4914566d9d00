"""Codes of an experiment's own images whose information is known: what its decoders say of them tells their error."""

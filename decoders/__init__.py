"""Conditional densities q(target | h), fitted by maximum likelihood, without reference to any network under study."""

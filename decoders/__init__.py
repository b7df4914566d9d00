"""Conditional densities q(target | h), fitted by maximum likelihood; they know nothing of networks under study."""

"""Experiments of further papers, repeated at a feasible scale, with a verdict on each of their claims."""

"""Estimators of mutual information from samples, the baselines of the decoders: one method in each file."""

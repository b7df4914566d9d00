"""Estimators of mutual information from samples, the baselines beside the decoders: one method, one file."""

"""Rival estimators of mutual information from samples: one method, one file."""

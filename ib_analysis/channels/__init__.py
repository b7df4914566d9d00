"""Channels x -> h whose information is known exactly: what an estimator is judged by."""

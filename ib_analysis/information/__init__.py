"""Estimates of information, from nats per example."""

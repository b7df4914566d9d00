"""Channels x -> h with exactly known information, against which estimators are tested."""

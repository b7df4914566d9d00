"""Stages: one verb_object module for each rule. Only stages open paths and import both packages."""

"""One verb_object module a rule: the only modules that open paths and that meet both packages."""

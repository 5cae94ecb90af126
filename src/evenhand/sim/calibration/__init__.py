"""A profile made to fit the log of an engine."""

"""Corrections: somebody decides that a charge was wrong, and a new transfer says so."""

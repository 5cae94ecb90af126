"""Traces that were measured, read as workloads: one file for each format."""

from evenhand.workloads.readers.open_trace import FORMATS, open_trace, trace_recipe

__all__ = ["FORMATS", "open_trace", "trace_recipe"]

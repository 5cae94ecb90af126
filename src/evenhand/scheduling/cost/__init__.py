"""Costs: what work adds to counters. `protocol.py` is the seam, `built_in.py` the list."""

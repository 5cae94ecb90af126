"""Placements: which engine. `protocol.py` is the seam, `built_in.py` the list."""

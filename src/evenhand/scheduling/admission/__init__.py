"""Admissions: who is refused at once. `protocol.py` is the seam, `built_in.py` the list."""

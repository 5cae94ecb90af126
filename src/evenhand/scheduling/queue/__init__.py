"""Orders within a tenant: which of its tickets goes. `protocol.py` is the seam, `built_in.py` the
list."""

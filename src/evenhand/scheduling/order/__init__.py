"""Orders between tenants: whose turn it is. `protocol.py` is the seam, `built_in.py` the list."""

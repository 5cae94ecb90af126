"""The workloads of the VTC paper (arXiv 2401.00588)."""

"""The VTC paper (arXiv 2401.00588): its suites on the engine of its artifact, its tables beside ours."""

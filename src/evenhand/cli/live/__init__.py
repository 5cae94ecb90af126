"""A configuration that changes while the gateway runs: planned whole, then applied whole."""

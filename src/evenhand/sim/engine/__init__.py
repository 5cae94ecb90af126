"""Models of inference engines, at the level of single iterations."""

"""DLPM and D2LPM (arXiv 2501.14312): fairness that leaves prefixes in the caches."""

"""Runs that somebody measured on GPUs, replayed: ours beside theirs."""

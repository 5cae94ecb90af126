"""The papers' experiments, run again: their tables and figures, ours beside theirs, and a verdict.

`built_in.py` lists them; `claim.py` is what is held against a paper, `result.py` what comes out.
"""

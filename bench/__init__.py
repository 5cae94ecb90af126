"""`make bench`: what the gateway costs beside no proxy at all and beside nginx.

A scripted engine (`engine.py`) is its own process, each proxy (`arms.py`) is its own process on a core
of its own, and this process is the load (`load.py`). Then the scheduling core alone (`scheduling.py`).
`docs/performance.md` says what the rows mean.
"""

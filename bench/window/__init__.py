"""How full an engine is kept, and how little waits in it: `python -m bench.window`.

A crowd that always asks for more than the engine computes at once, through a gateway whose window is
all of the crowd (no limit), exactly the slots, or moves by itself, with and without what the engine
tells. The engine is asked all the while what it runs and what waits in it.
"""

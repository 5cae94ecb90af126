"""transformers' continuous batching with its own scheduler and with the core inside, on a GPU.

    python -m bench.gpu_transformers --json out.json        (4.5 minutes; --quick: a look, on a CPU too)

A model of a billion parameters with random weights is made on the device, so nothing is downloaded. Each
run is an engine of its own and a few seconds of clients in closed loops; settings take turns within
each round. What was seen is in the file after each run, so a run that is cut off leaves the others.
Needs torch, transformers and numpy. `python -m bench.gpu_transformers.step_times out.json` compares
the steps with the simulator's model of them.
"""

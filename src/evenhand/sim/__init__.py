"""Host 3: replays traffic on modelled engines, with the scheduling core that the gateway runs.

Lives here: the discrete-event loop, models of engines and of their step times, faults, what a run is
measured by, reports, and the papers' experiments.
May import: workloads and everything below; randomness only as a seeded generator; no clock.
Promises: equal inputs give equal runs; skipping over quiet stretches changes no figure.
"""

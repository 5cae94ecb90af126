"""Traffic as values: who asks what, and when.

Lives here: seeded generators of requests, readers of traces; the noisy neighbourhood of the demo.
May import: scheduling, wire, model, numpy; randomness only from a seed.
Promises: no clock, no I/O but files of traces; the same seed gives the same requests on every machine.
"""

from evenhand.workloads.call import Arrival, Call, Message, Step
from evenhand.workloads.neighbours import Neighbours, neighbours
from evenhand.workloads.sources import Chains, Flood, OpenLoop
from evenhand.workloads.spread import Spread

__all__ = [
    "Arrival",
    "Call",
    "Chains",
    "Flood",
    "Message",
    "Neighbours",
    "OpenLoop",
    "Spread",
    "Step",
    "neighbours",
]

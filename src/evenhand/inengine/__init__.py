"""Host 2: the scheduling core inside an engine's own scheduler.

Lives here: thin adapters between an engine's queue and the core, one folder for each engine.
May import: scheduling, model, and inside its own folder the engine that is adapted.
Promises: no policy, no sockets; what an engine does not offer is said, never imitated.
"""

"""Host 1: the gateway. Clients in front, engines behind, the scheduling core in the middle.

Lives here: the HTTP edge, authentication, admission, the relay, the admin listener.
May import: `engines`, `telemetry` and the pure rooms; never `cli`.
Promises: one ending per request; the client's leaving reaches the engine; no policy in here.
"""

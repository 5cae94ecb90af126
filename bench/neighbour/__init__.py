"""`make neighbour`: one chat beside a flood, and tenants with full queues, in several settings of a real
engine: asked directly, behind the gateway, with the core in its scheduler.

Engines (`vllm_server.py`, `embedded.py`) and gateways (`gateway.py`) are processes of their own, and
this process is all clients (`scene.py`) on one loop. What was seen becomes figures (`figures.py`) and
rows (`report.py`) without a clock.
`docs/evidence.md` says what came out.
"""

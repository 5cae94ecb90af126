"""Clients of real engines, and the embedded one.

Lives here: the HTTP client, health probes, the launcher of the embedded engine.
May import: `scheduling` and what is below it; nothing of the gateway.
Promises: an abort closes the engine's connection at once; every attempt ends; nothing is left behind.
"""

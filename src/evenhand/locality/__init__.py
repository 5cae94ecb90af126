"""Which engine's cache is believed to hold which prefix of a prompt.

Lives here: the prefix index of one trust domain; waiting prompts, sorted to find whom a prefix helps.
May import: `evenhand.model`, nothing else; no clock, no randomness, no I/O.
Promises: exact byte by byte, no hashes; bounded memory; equal calls give equal answers. All this is
belief: the engine's own cache decides (`locality.md`).
"""

from evenhand.locality.common_length import common_length
from evenhand.locality.engine_memory import HOLDING_BYTES, EngineMemories
from evenhand.locality.prefix_index import PrefixIndex
from evenhand.locality.prefix_node import NODE_BYTES
from evenhand.locality.waiting_prompts import WaitingPrompts

__all__ = [
    "HOLDING_BYTES",
    "NODE_BYTES",
    "EngineMemories",
    "PrefixIndex",
    "WaitingPrompts",
    "common_length",
]

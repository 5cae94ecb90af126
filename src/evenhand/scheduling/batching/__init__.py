"""What one step of an engine holds: how much of whose prompts, in which order, within which memory.

Lives here: pure rules that hosts inside engines apply each step. Derivation and bounds: batching.md.
May import: `evenhand.model`.
"""

from evenhand.scheduling.batching.chunk_cap import Prefill, chunk_cap
from evenhand.scheduling.batching.kv_ceilings import KvCeilings
from evenhand.scheduling.batching.step_pace import StepPace
from evenhand.scheduling.batching.turns import by_standing, by_turns

__all__ = ["KvCeilings", "Prefill", "StepPace", "by_standing", "by_turns", "chunk_cap"]

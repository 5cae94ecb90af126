"""Which of the engines in question hold most of a prompt."""

from collections.abc import Sequence

from evenhand.model import Request
from evenhand.scheduling.capacity import EngineState
from evenhand.scheduling.prefixes import Prefixes


def longest_match(
    prefixes: Prefixes, request: Request, candidates: Sequence[EngineState]
) -> tuple[int, list[EngineState]]:
    """The most bytes of its prefix that one of them holds, and those that hold as much: all of them,
    if none holds any."""
    matched = prefixes.matched_by_engine(request)
    lengths = [matched.get(engine.name, 0) for engine in candidates]
    longest = max(lengths)
    holders = [e for e, length in zip(candidates, lengths, strict=True) if length == longest]
    return longest, holders

"""What an engine has counted at one moment, and what the gateway knew at that moment of its own doings
there."""

from dataclasses import dataclass, fields
from typing import Self


@dataclass(slots=True, kw_only=True)
class Sums:
    """What the gateway has done at one engine since its own start, beyond what the ledger tells.
    Tokens; `*_most` are the most that it can have been.

    `surplus_input`: prompts that the engine counts once for each choice and a usage once in all.
    `retried`: attempts that failed at this engine and were made again elsewhere. `left`: requests that
    ended there without being completed; of those that were charged, `left_input` was. `direct_*`:
    counted by the engine while none of ours was there. `foreign_readings`: how often the engine said
    that it had more requests than ours.
    """

    retried: int = 0
    retried_input_most: int = 0
    retried_output_most: int = 0
    left: int = 0
    left_input: int = 0
    left_input_most: int = 0
    left_output_most: int = 0
    surplus_input: int = 0
    direct_input: int = 0
    direct_output: int = 0
    foreign_readings: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(**{f: getattr(self, f) + getattr(other, f) for f in SUMS})

    def __sub__(self, other: Self) -> Self:
        return type(self)(**{f: getattr(self, f) - getattr(other, f) for f in SUMS})


SUMS = tuple(field.name for field in fields(Sums))


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCount:
    """`at_ms` is when the engine was asked, since 1970. `boot` names the gateway's run, `life` counts
    the engine's within it: a counter went back, or a restart was seen otherwise. `input_tokens` and
    `output_tokens` are the engine's own, since its start. `is_calm`: nothing of ours was there, nor
    had been of late. `open_input` and `open_output_most` belong to what was."""

    at_ms: int
    boot: int
    life: int
    input_tokens: int
    output_tokens: int
    is_calm: bool
    open_input: int
    open_output_most: int
    sums: Sums

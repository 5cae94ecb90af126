"""What was read from an engine at one moment, and where each figure came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from evenhand.model import EngineReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`found` names, for each field of the report that is not None, the spelling it was read under.
    `counters` are values that only grow while the engine lives, by the engine's own names.
    `started_s` is when its process started, in its own clock, if it says so. Where it is not `whole`,
    what was not found may be told again next time: it is not missing."""

    report: EngineReport = field(default_factory=EngineReport)
    found: Mapping[str, str] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    started_s: float | None = None
    whole: bool = True

"""One configured engine as the gateway holds it: how to reach it, and whether it is up."""

from collections.abc import Callable
from dataclasses import dataclass, field

from evenhand.engines.http import EngineClient
from evenhand.model import EngineName, EngineReport, ModelName
from evenhand.wire.dialect import DIALECTS, Dialect, EngineKind


@dataclass(slots=True, kw_only=True, eq=False)
class EngineLink:
    """`window` is how many requests may be in flight there while it is up. `reason` says why it is
    down, in words for the operator. `report_unreachable` tells whoever watches the engine's health that
    a request could not connect. `report` is what the engine last said of itself, at `report_ms` on the
    loop's clock; None while it has said nothing, or nothing of late. `signals_missing` are names that it
    used to tell and no longer does; the fields of `report` they filled are None. `signals` says in words
    how far it can be read."""

    name: EngineName
    kind: EngineKind
    models: frozenset[ModelName]
    window: int
    client: EngineClient
    report_unreachable: Callable[[], None]
    is_up: bool = False
    reason: str = "not probed yet"
    report: EngineReport | None = None
    report_ms: int | None = None
    signals: str = "not asked"
    signals_missing: tuple[str, ...] = ()
    dialect: Dialect = field(init=False)

    def __post_init__(self) -> None:
        self.dialect = DIALECTS[self.kind]

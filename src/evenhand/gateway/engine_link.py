"""One configured engine as the gateway holds it: how to reach it, and whether it is up."""

from collections.abc import Callable
from dataclasses import dataclass, field

from evenhand.engines.http import EngineClient
from evenhand.model import EngineName, ModelName
from evenhand.wire.dialect import DIALECTS, Dialect, EngineKind


@dataclass(slots=True, kw_only=True, eq=False)
class EngineLink:
    """`window` is how many requests may be in flight there while it is up. `reason` says why it is
    down, in words for the operator. `report_unreachable` tells whoever watches the engine's health that
    a request could not connect."""

    name: EngineName
    kind: EngineKind
    models: frozenset[ModelName]
    window: int
    client: EngineClient
    report_unreachable: Callable[[], None]
    is_up: bool = False
    reason: str = "not probed yet"
    dialect: Dialect = field(init=False)

    def __post_init__(self) -> None:
        self.dialect = DIALECTS[self.kind]

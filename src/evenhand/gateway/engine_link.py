"""One configured engine as the gateway holds it: how to reach it, and how much it may be given."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from evenhand.engines.circuit import Circuit, CircuitState
from evenhand.engines.http import EngineClient
from evenhand.gateway.ghosts import Ghosts
from evenhand.model import EngineName, EngineReport, ModelName
from evenhand.wire.answer_names import AnswerNames
from evenhand.wire.dialect import DIALECTS, Dialect, EngineKind


class Allowance(NamedTuple):
    """What the scheduler is told of an engine. `window` 0: it takes nothing, as one that is not there.
    So many slots of the window are `held`: it is there, but they are not to be given away."""

    window: int
    held: int


NOTHING = Allowance(0, 0)


@dataclass(slots=True, kw_only=True, eq=False)
class EngineLink:
    """`window` is how many requests may be in flight there while all is well. `reason` says why it is
    down, in words for the operator, who has `is_drained` in hand. `report_unreachable` tells whoever
    watches the engine's health that a request could not connect. `report` is what the engine last said
    of itself, asked at `report_ms` on the loop's clock; None while it has said nothing, or nothing of late.
    `signals_missing` are names that it used to tell and no longer does; the fields of `report` they
    filled are None. `signals` says in words how far it can be read. `heard_s` is when a piece of an
    answer last came, `started_ms` when a request was last sent. `names` are those it answers by."""

    name: EngineName
    kind: EngineKind
    models: frozenset[ModelName]
    window: int
    client: EngineClient
    report_unreachable: Callable[[], None]
    is_up: bool = False
    reason: str = "not probed yet"
    is_drained: bool = False
    report: EngineReport | None = None
    report_ms: int | None = None
    signals: str = "not asked"
    signals_missing: tuple[str, ...] = ()
    circuit: Circuit = field(default_factory=Circuit)
    ghosts: Ghosts = field(default_factory=Ghosts)
    heard_s: float = 0.0
    started_ms: int = 0
    dialect: Dialect = field(init=False)
    names: AnswerNames = field(init=False)

    def __post_init__(self) -> None:
        self.dialect = DIALECTS[self.kind]
        self.names = AnswerNames(self.models)

    def allowance(self, in_flight: int) -> Allowance:
        """All that bears on how much it may be given, put together: health, the operator's will, the
        window, the circuit, and the ghosts. `in_flight` requests are there now.

        Behind an open circuit an engine counts as full, not as gone: who waits for it goes on to wait,
        and of those the fairest choice becomes the trial.
        """
        if not self.is_up or self.is_drained:
            return NOTHING
        window, circuit = self.window, self.circuit
        if circuit.takes_none:
            return Allowance(window, window)
        held = len(self.ghosts)
        if circuit.state is CircuitState.HALF_OPEN:
            held = max(held, window - in_flight - 1)
        return Allowance(window, held)

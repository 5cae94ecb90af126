"""One configured engine as the gateway holds it: how to reach it, and how much it may be given."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from evenhand.engines.circuit import Circuit, CircuitState
from evenhand.engines.http import EngineClient
from evenhand.gateway.engine_hints import EngineHints
from evenhand.gateway.ghosts import Ghosts
from evenhand.gateway.identity import Identity
from evenhand.model import EngineName, EngineReport, ModelName, RequestId
from evenhand.scheduling import Scheduler
from evenhand.scheduling.window import WindowControl
from evenhand.wire.answer_names import AnswerNames
from evenhand.wire.api_name import ApiName
from evenhand.wire.dialect import DIALECTS, Dialect, EngineKind

if TYPE_CHECKING:  # whoever keeps the account of GPU time knows the engines
    from evenhand.gateway.counts.tally import EngineTally
    from evenhand.gateway.gpu.meter import GpuMeter


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
    of itself, asked at `report_ms` on the loop's clock; None while it has said nothing, or nothing of
    late. `signals_missing` are names that it used to tell and no longer does; the fields of `report`
    they filled are None. `signals` says in words how far it can be read. `heard_s` is when a piece of an
    answer last came, `started_ms` when a request was last sent. `names` are those it answers by.
    `control` moves the window; None: it is of a fixed size. `hints` are for the scheduler inside it;
    None: it has its own. `gpu` divides the time of its GPUs among its requests, `tally` counts what
    reconciliation has to know of them; None: nobody asks. `apis` is what it serves beside completions
    and embeddings: what `serves` says, or else what its kind does;
    `keeps_responses` where clients may go on from them."""

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
    control: WindowControl | None = None
    hints: EngineHints | None = None
    gpu: "GpuMeter | None" = None
    serves: frozenset[ApiName] | None = None
    keeps_responses: bool = False
    tally: "EngineTally | None" = None
    dialect: Dialect = field(init=False)
    apis: frozenset[ApiName] = field(init=False)
    names: AnswerNames = field(init=False)

    def __post_init__(self) -> None:
        self.dialect = DIALECTS[self.kind]
        self.apis = self.dialect.apis if self.serves is None else self.serves
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
        ghosts = len(self.ghosts)
        if circuit.state is CircuitState.HALF_OPEN:
            # As small as the trial, so that it does not look fuller than others and is never tried.
            return Allowance(in_flight + 1, int(in_flight + ghosts >= window))
        return Allowance(window, ghosts)

    def told_of(self, identity: Identity, scheduler: Scheduler) -> bytes:
        """The member of a request's body for the scheduler inside the engine; empty where there is
        none."""
        return b"" if self.hints is None else self.hints.member(identity, scheduler)

    # What a window that moves is told of requests.

    def sent(self, request_id: RequestId, prompt_tokens: int | None) -> None:
        """One was sent there; its prompt's tokens, if its answer is streamed."""
        if self.control is not None:
            self.control.started(request_id, prompt_tokens, _now_us())

    def first_token(self, request_id: RequestId) -> None:
        """Of a streamed answer."""
        if self.control is not None:
            self.control.first_token(request_id, _now_us())

    def left(self, request_id: RequestId, whole_answer_tokens: int | None) -> None:
        """It is there no more; how long its answer is, if it came whole and at once."""
        if self.control is not None:
            self.control.ended(request_id, whole_answer_tokens, _now_us())

    def hear(self, report: EngineReport | None, *, in_flight: int, is_awaited: bool) -> None:
        """What it tells of itself; None: it has ceased to."""
        if self.control is not None:
            self.control.heard(report, in_flight=in_flight, is_awaited=is_awaited, now_us=_now_us())

    def look(self, *, in_flight: int, is_awaited: bool) -> None:
        """Some time has passed."""
        if self.control is not None:
            self.control.look(in_flight=in_flight, is_awaited=is_awaited, now_us=_now_us())


def _now_us() -> int:
    """The clock of all controllers. Not the loop's: uvloop's counts milliseconds."""
    return time.monotonic_ns() // 1000

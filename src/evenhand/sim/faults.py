"""What goes wrong in a run: engines are lost and come back, engines are slow, clients leave.

Written as a user writes it:

    loss:ENGINE@AT[+FOR]           its requests and its cache are gone; without FOR it stays away
    slow:ENGINE@AT[+FOR]*FACTOR    its steps take so many times as long
    leave:SHARE@AFTER              that share of the clients leaves so long after it sent, come what may
    impatient:SHARE@AFTER          the same, unless the first token has come by then
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from random import Random

from evenhand.sim.engine.protocol import IDLE, Engine
from evenhand.sim.simulation import Simulation
from evenhand.workloads.ask import Ask

FORMS = (
    "loss:ENGINE@AT[+FOR], slow:ENGINE@AT[+FOR]*FACTOR, leave:SHARE@AFTER or impatient:SHARE@AFTER,"
    " as in loss:engine-003@60s+30s, slow:engine-001@10s+20s*10, leave:0.05@2s"
)
_UNITS_MS = {"ms": 1.0, "s": 1_000.0, "min": 60_000.0, "h": 3_600_000.0}
_TIME = r"[0-9]+(?:\.[0-9]+)?(?:ms|s|min|h)"
_AT_ENGINE = re.compile(
    rf"(loss|slow):([A-Za-z0-9._-]+)@({_TIME})(?:\+({_TIME}))?(?:\*([0-9]+(?:\.[0-9]+)?))?"
)
_OF_CLIENTS = re.compile(rf"(leave|impatient):(0(?:\.[0-9]+)?|1(?:\.0+)?)@({_TIME})")


@dataclass(frozen=True, slots=True, kw_only=True)
class AtEngine:
    """From `at_ms` until `end_ms`, `inf` for good. `factor` None: it is lost."""

    engine: str
    at_ms: float
    end_ms: float
    factor: float | None = None

    def __str__(self) -> str:
        kind = "loss" if self.factor is None else "slow"
        lasts = "" if self.end_ms == IDLE else f"+{_time(self.end_ms - self.at_ms)}"
        factor = "" if self.factor is None else f"*{self.factor:g}"
        return f"{kind}:{self.engine}@{_time(self.at_ms)}{lasts}{factor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfClients:
    """That share of all clients leave after so long. `is_patient_once_served`: only if nothing came."""

    share: float
    after_ms: float
    is_patient_once_served: bool = False

    def __str__(self) -> str:
        kind = "impatient" if self.is_patient_once_served else "leave"
        return f"{kind}:{self.share:g}@{_time(self.after_ms)}"


Fault = AtEngine | OfClients


def parse_fault(text: str) -> Fault:
    """One fault as it is written above. ValueError: it is none; the message says how to write one."""
    if match := _OF_CLIENTS.fullmatch(text):
        kind, share, after = match.groups()
        if float(share) == 0:
            raise ValueError(
                f"{text}: a share of 0 is nobody. Write one from 0 to 1, or leave it out."
            )
        return OfClients(
            share=float(share), after_ms=_ms(after), is_patient_once_served=kind == "impatient"
        )
    match = _AT_ENGINE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text} is no fault. Write {FORMS}.")
    kind, engine, at, lasts, factor = match.groups()
    if (kind == "slow") != (factor is not None):
        ask = "a slow engine needs *FACTOR" if kind == "slow" else "a lost engine has no *FACTOR"
        raise ValueError(f"{text}: {ask}. Write {FORMS}.")
    if factor is not None and float(factor) == 0:
        raise ValueError(f"{text}: a factor of 0 is no speed. Write one above 0, as in *10.")
    at_ms, end_ms = _ms(at), IDLE if lasts is None else _ms(at) + _ms(lasts)
    if end_ms == at_ms:
        raise ValueError(
            f"{text}: lasts for no time. Write +FOR with more than 0, or leave it out."
        )
    return AtEngine(
        engine=engine, at_ms=at_ms, end_ms=end_ms, factor=None if factor is None else float(factor)
    )


class Faults:
    """Those of one run. ValueError: two faults of one kind overlap at an engine."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._at_engines: list[AtEngine] = []
        self.of_clients: list[OfClients] = []
        for fault in faults:
            if isinstance(fault, AtEngine):
                self._at_engines.append(fault)
            else:
                self.of_clients.append(fault)
        order = sorted(
            self._at_engines, key=lambda f: (f.engine, f.factor is None, f.at_ms, f.end_ms)
        )
        for one, other in pairwise(order):
            is_same = (one.engine, one.factor is None) == (other.engine, other.factor is None)
            if is_same and other.at_ms < one.end_ms:
                raise ValueError(f"{one} and {other} overlap. Let the first end before.")

    def check(self, names: Sequence[str]) -> None:
        """Whether the engines have these names. ValueError: one that a fault is of is not there."""
        for fault in self._at_engines:
            if fault.engine not in names:
                known = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
                raise ValueError(f"{fault}: there is no {fault.engine}. Name one of {known}.")

    def plan(self, simulation: Simulation, engines: Sequence[Engine]) -> None:
        """Make them happen. Before the run. ValueError as of `check`."""
        named = {str(engine.name): engine for engine in engines}
        self.check(list(named))
        for fault in self._at_engines:
            engine = named[fault.engine]
            begin, end = _acts(simulation, engine, fault.factor)
            simulation.at(fault.at_ms, begin)
            if fault.end_ms != IDLE:
                simulation.at(fault.end_ms, end)

    def patience_ms(self, ask: Ask) -> float:
        """How long the client of an ask stays, whatever comes."""
        return self._drawn(ask, is_patient_once_served=False)

    def first_token_patience_ms(self, ask: Ask) -> float:
        """How long it stays while nothing comes."""
        return self._drawn(ask, is_patient_once_served=True)

    def _drawn(self, ask: Ask, *, is_patient_once_served: bool) -> float:
        """By lot, which depends on the place of the fault and the number of the ask alone."""
        drawn = [
            fault.after_ms
            for number, fault in enumerate(self.of_clients)
            if fault.is_patient_once_served is is_patient_once_served
            and Random(f"{number} {ask.id}").random() < fault.share  # noqa: S311
        ]
        return min(drawn, default=IDLE)


def _acts(
    simulation: Simulation, engine: Engine, factor: float | None
) -> tuple[Callable[[float], None], Callable[[float], None]]:
    """What begins the fault and what ends it."""
    if factor is None:
        return partial(simulation.lose, engine), partial(simulation.give_back, engine)

    def slow_down(times: float, now_ms: float) -> None:
        engine.slow_down(times, now_ms)
        simulation.look_at(engine)

    return partial(slow_down, factor), partial(slow_down, 1.0)


def _ms(text: str) -> float:
    match = re.fullmatch(r"([0-9.]+)(ms|s|min|h)", text)
    assert match is not None, "the pattern has found a time"
    return float(match[1]) * _UNITS_MS[match[2]]


def _time(ms: float) -> str:
    return f"{ms / 1_000:.12g}s"

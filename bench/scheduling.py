"""The scheduling rows: what a decision costs beside a bare heap, and what it grows with.

No process, no socket: the core in this process, and each arm has its turn at a row before the next row.
"""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bench.decisions import BareHeap, Core, Decider, StalledError, WholeRequest
from bench.idle import idle_tenant_bytes
from bench.measures import Figures
from bench.prefix import Prefixes
from bench.rounds import Rounds
from evenhand.scheduling import PRESETS, TenantShare

VTC, BARE_HEAP, PREFIX_INDEX = "vtc", "bare heap", "prefix index"
_BATCH = 10
_DEPTH = 4
_WAITING_TENANTS = 20
_IN_FLIGHT = 64
"""Where requests are counted and not tenants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much; `make bench` takes the defaults."""

    decisions: int = 2000
    """Of each arm in each row and round."""
    few_tenants: int = 1000
    many_tenants: int = 100_000
    fan_out: int = 10
    """Of each node of the tree, which is four deep; the flat one has as many leaves."""
    few_waiting: int = 1000
    many_waiting: int = 4000
    idle_tenants: int = 10_000
    prefix_blocks: int = 500_000
    running: int = 1000
    """At one time, in the rows that count tenants."""

    @property
    def leaves(self) -> int:
        leaves: int = self.fan_out**_DEPTH
        return leaves


QUICK = Scale(decisions=200, many_tenants=5000, fan_out=5, idle_tenants=1000, prefix_blocks=10_000)

Deciders = dict[str, dict[str, Decider]]
"""By row, then by arm."""


class _Nothing:
    """What is timed without a decision: the clock and the call."""

    def prepare(self) -> None: ...

    def decide(self) -> None: ...


def scheduling(
    presets: Sequence[str], scale: Scale, *, rounds: int, tell: Callable[[str], None]
) -> tuple[Rounds, dict[str, str]]:
    """Figures by arm, round by round; and what was skipped, with the reason. `vtc` is always measured:
    the others are compared with it."""
    deciders, skipped = _deciders(presets, scale, tell)
    turns = [(row, arm, of_row[arm]) for row, of_row in deciders.items() for arm in of_row]
    arms = dict.fromkeys(arm for _, arm, _ in turns)
    done: Rounds = {arm: [] for arm in arms}
    gc.collect()
    gc.freeze()  # or the collector's time would depend on how much the other arms hold
    try:
        for number in range(rounds + 1):
            tell(f"scheduling: round {number} of {rounds}" if number else "scheduling: warming up")
            figures: dict[str, Figures] = {arm: {} for arm in arms}
            decisions = scale.decisions if number else _BATCH
            for row, arm, decider in turns:
                if arm in skipped:
                    continue
                try:
                    figures[arm][row] = decision_us(decider, decisions)
                except StalledError as reason:
                    skipped[arm] = str(reason)
            if number:
                figures[VTC]["idle_tenant_bytes"] = idle_tenant_bytes(VTC, scale.idle_tenants)
                for arm in arms:
                    done[arm].append(figures[arm])
    finally:
        gc.unfreeze()
    return {arm: found for arm, found in done.items() if arm not in skipped}, skipped


def decision_us(decider: Decider, decisions: int) -> float:
    """The median over batches of a batch's mean, less what timing nothing takes. A heap puts work off,
    so the median over single decisions would leave some of it out."""
    return _timed_us(decider, decisions) - _timed_us(_Nothing(), decisions)


def _timed_us(decider: Decider, decisions: int) -> float:
    prepare, decide, clock_ns = decider.prepare, decider.decide, time.perf_counter_ns
    batches = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(-(-decisions // _BATCH)):
            spent_ns = 0
            for _ in range(_BATCH):
                prepare()
                began_ns = clock_ns()
                decide()
                spent_ns += clock_ns() - began_ns
            batches.append(spent_ns / _BATCH / 1000)
    finally:
        gc.enable()
    return statistics.median(batches)


def _deciders(
    presets: Sequence[str], scale: Scale, tell: Callable[[str], None]
) -> tuple[Deciders, dict[str, str]]:
    few, many, leaves = scale.few_tenants, scale.many_tenants, scale.leaves
    in_flight = scale.running
    rows: Deciders = {
        "decision_few_tenants_us": {BARE_HEAP: BareHeap(few, in_flight=in_flight)},
        "request_few_tenants_us": {},
        "decision_few_waiting_us": {},
        "decision_many_waiting_us": {},
    }
    skipped: dict[str, str] = {}
    for preset in dict.fromkeys((VTC, *presets)):
        tell(f"scheduling: setting up {preset}")
        if preset not in PRESETS:
            skipped[preset] = "there is no such preset"
            continue
        try:
            for row, decider in _of_preset(preset, scale).items():
                rows[row][preset] = decider
        except StalledError as reason:
            skipped[preset] = str(reason)
    tell("scheduling: setting up many tenants")
    for row, count, shares in (
        ("decision_flat_us", leaves, _flat(leaves)),
        ("decision_tree_us", leaves, _tree(scale.fan_out, _DEPTH)),
        ("decision_many_tenants_us", many, _flat(many)),
    ):
        rows[row] = {VTC: Core(VTC, shares, waiting=2 * count, in_flight=in_flight)}
    rows["decision_flat_us"][BARE_HEAP] = BareHeap(leaves, in_flight=in_flight)
    rows["decision_many_tenants_us"][BARE_HEAP] = BareHeap(many, in_flight=in_flight)
    tell("scheduling: setting up prefixes")
    try:
        rows["prefix_match_us"] = {PREFIX_INDEX: Prefixes(scale.prefix_blocks)}
    except ImportError as reason:
        skipped[PREFIX_INDEX] = str(reason)
    return rows, skipped


def _of_preset(preset: str, scale: Scale) -> dict[str, Decider]:
    """What every preset is asked. Two requests of each tenant wait, so none ceases to wait."""
    few = scale.few_tenants
    of_prompts = partial(
        Core, preset, _flat(_WAITING_TENANTS), in_flight=_IN_FLIGHT, tells_prefixes=True
    )
    core = Core(preset, _flat(few), waiting=2 * few, in_flight=scale.running)
    return {
        "decision_few_tenants_us": core,
        "request_few_tenants_us": WholeRequest(core),
        "decision_few_waiting_us": of_prompts(waiting=scale.few_waiting),
        "decision_many_waiting_us": of_prompts(waiting=scale.many_waiting),
    }


def _flat(tenants: int) -> tuple[TenantShare, ...]:
    return tuple(TenantShare(name=f"tenant-{number}") for number in range(tenants))


def _tree(fan_out: int, depth: int) -> tuple[TenantShare, ...]:
    if not depth:
        return ()
    return tuple(
        TenantShare(name=f"{number}", children=_tree(fan_out, depth - 1))
        for number in range(fan_out)
    )

"""One repetition: every arm has its turn at every scene before any has its next."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.neighbour.arms import Arm, Opened, opened
from bench.neighbour.engine import SLOTS, Engine
from bench.neighbour.fairness import fairness
from bench.neighbour.figures import quantile, releases_s, steps_s, tokens_per_s, waits_s
from bench.neighbour.queueing import queueing
from bench.neighbour.scene import Played, play
from bench.neighbour.traffic import BACKLOGGED, CHAT, FLOOD, NOISE, VICTIM, fewer
from evenhand.cli.demo.record import End, Record

Figures = dict[str, Any]
_REST_S = 0.7
"""For what was under way to be taken back by the engine."""
_LOG_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Seconds of each scene. The first `ramp_s` of it fill queues and are not counted."""

    alone_s: float = 6.0
    beside_s: float = 12.0
    mixed_s: float = 9.0
    ramp_s: float = 1.5


async def repetition(
    arms: Sequence[Arm],
    engines: Mapping[str, Engine],
    lengths: Lengths,
    *,
    seed: int,
    tell: Callable[[str], None],
) -> dict[str, Figures]:
    """By arm, what it came to."""
    found = {}
    for arm in arms:
        tell(arm.name)
        async with opened(arm, engines[arm.engine]) as open_arm:
            found[arm.name] = await _turn(arm, open_arm, lengths, seed)
        await asyncio.sleep(_REST_S)
    return found


async def _turn(arm: Arm, open_arm: Opened, lengths: Lengths, seed: int) -> Figures:
    door, ramp_s = open_arm.door, lengths.ramp_s
    alone = await play(door, [VICTIM], seconds=lengths.alone_s, seed=seed)
    noise = fewer(NOISE, SLOTS - 1) if arm.keeps_slot_free else NOISE
    log = open_arm.gateway
    since = log.log_bytes if log else 0
    beside = await play(
        door, [noise], late=[VICTIM], late_s=ramp_s, seconds=lengths.beside_s, seed=seed
    )
    found: Figures = {
        "alone": _of_victim(alone, lengths.alone_s),
        "beside": _beside(beside, lengths),
    }
    if log is not None:
        await asyncio.sleep(_LOG_S)
        found["beside"] |= queueing(log.told(since), tenant=CHAT)
    await asyncio.sleep(_REST_S)
    if not arm.keeps_slot_free:
        mixed = await play(
            door, BACKLOGGED, late=[VICTIM], late_s=ramp_s, seconds=lengths.mixed_s, seed=seed
        )
        found["mixed"] = _mixed(mixed, lengths)
    return found


def _of(played: Played, tenant: str) -> list[Record]:
    return [record for record in played.records if record.tenant == tenant]


def _of_victim(played: Played, seconds: float) -> Figures:
    victim = _of(played, CHAT)
    return {
        "ttft_s": waits_s(victim, seconds=seconds),
        "step_p50_s": quantile(steps_s(victim), 0.5),
        "step_p99_s": quantile(steps_s(victim), 0.99),
        "cpu": dict(played.cpu),
    }


def _beside(played: Played, lengths: Lengths) -> Figures:
    victim, flood = _of(played, CHAT), _of(played, FLOOD)
    seconds, since_s = lengths.beside_s, lengths.ramp_s
    even = fairness(played.records, backlogged=(FLOOD,), since_s=since_s, seconds=seconds)
    done = [r for r in flood if r.end is End.DONE and r.first_token_at is not None]
    return {
        **_of_victim(played, seconds),
        "flood_step_p99_s": quantile(steps_s(flood), 0.99),
        "flood_answer_p50_s": quantile(
            [r.ended_at - r.first_token_at for r in done if r.ended_at and r.first_token_at], 0.5
        ),
        "release_s": releases_s(victim, flood),
        "tokens_per_s": tokens_per_s(played.records, since_s=since_s, seconds=seconds),
        "jain_1s": even.jain_1s,
        "flood_gap_s": even.gap_s[FLOOD],
    }


def _mixed(played: Played, lengths: Lengths) -> Figures:
    names = [crowd.tenant for crowd in BACKLOGGED]
    seconds, since_s = lengths.mixed_s, lengths.ramp_s
    even = fairness(played.records, backlogged=names, since_s=since_s, seconds=seconds)
    return {
        **_of_victim(played, seconds),
        "tokens_per_s": tokens_per_s(played.records, since_s=since_s, seconds=seconds),
        **asdict(even),
    }

"""One arm's turn: a crowd at the gateway for so long, the engine slowed down meanwhile if need be."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from bench.neighbour.engine import SLOTS, Engine
from bench.neighbour.figures import quantile, tokens_per_s
from bench.neighbour.gateway import KEYS, configuration, gateway
from bench.neighbour.scene import Door, play
from bench.neighbour.traffic import NOISE
from bench.window.slowness import slowed
from bench.window.watch import Look, Watch
from evenhand.cli.demo.record import Record

NO_LIMIT = "no limit"
ARMS: Mapping[str, Mapping[str, object]] = {
    NO_LIMIT: {"window": NOISE.clients},
    "exactly the slots": {"window": SLOTS},
    "auto": {"window": "auto"},
    "auto, engine tells nothing": {"window": "auto", "signals": "off"},
}
"""By name, what the engine's section says."""
SLOWNESS = 10.0
RAMP_S = 3.0
"""A window finds its size, queues fill."""
ADAPTED_S = 10.0
"""After so long it must have followed."""
_REST_S = 1.0

Phase = tuple[str, float, float]


def phases(seconds: float, *, slow: bool) -> list[Phase]:
    """Name, beginning and end of what is measured."""
    usual = ("usual", RAMP_S, RAMP_S + seconds)
    if not slow:
        return [usual]
    slow_s = usual[2] + ADAPTED_S
    back_s = slow_s + seconds + ADAPTED_S
    return [usual, ("slow", slow_s, slow_s + seconds), ("back", back_s, back_s + seconds)]


async def turn(
    engine: Engine, arm: str, measured: Sequence[Phase], *, seed: int
) -> dict[str, dict[str, Any]]:
    """By phase, what it came to."""
    settings = configuration(engine, chat_lane=None, more=ARMS[arm])
    watch = Watch(engine.url, engine.pid)
    async with gateway(settings) as served, asyncio.TaskGroup() as group:
        door = Door(url=served.url, keys=KEYS)
        others = [group.create_task(watch.look())]
        if len(measured) > 1:
            others.append(group.create_task(_slow_down(engine, measured)))
        played = await play(door, [NOISE], seconds=measured[-1][2], seed=seed)
        for other in others:
            other.cancel()
    await asyncio.sleep(_REST_S)
    return {
        name: _figures(played.records, watch.between(since_s, until_s), since_s, until_s)
        for name, since_s, until_s in measured
    }


async def _slow_down(engine: Engine, measured: Sequence[Phase]) -> None:
    """From the end of the first phase to that of the second."""
    await asyncio.sleep(measured[0][2])
    async with slowed(engine.pid, SLOWNESS):
        await asyncio.sleep(measured[1][2] - measured[0][2])
    await asyncio.Event().wait()


def _figures(
    records: Sequence[Record], looks: Sequence[Look], since_s: float, until_s: float
) -> dict[str, Any]:
    waiting = [look.waiting for look in looks]
    running = sum(look.running for look in looks)
    speed = tokens_per_s(records, since_s=since_s, seconds=until_s)
    cores = None
    if len(looks) > 1:
        cores = (looks[-1].cpu_us - looks[0].cpu_us) / 1e6 / (looks[-1].at_s - looks[0].at_s)
    return {
        "tokens_per_s": speed,
        "engine_cores": cores,
        "tokens_per_cpu_s": speed / cores if cores else None,
        "engine_queue_p50": quantile(waiting, 0.5),
        "engine_queue_p95": quantile(waiting, 0.95),
        "over_dispatch": sum(waiting) / running if running else None,
        "running_mean": running / len(looks) if looks else None,
        "idle_part": sum(not look.running for look in looks) / len(looks) if looks else None,
        "looks": len(looks),
    }

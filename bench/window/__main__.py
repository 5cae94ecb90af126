"""`python -m bench.window`: see the package."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.load import BenchError
from bench.neighbour.embedded import embedded
from bench.neighbour.engine import SLOTS, Engine, SkippedError
from bench.neighbour.traffic import NOISE
from bench.neighbour.vllm_server import NO_PREFIX_CACHE, servers
from bench.window.turn import ARMS, NO_LIMIT, phases, turn

ENGINES = ("embedded", "vllm")
_WIDTH = 150
Found = dict[str, Any]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.window")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="that are measured of a phase")
    parser.add_argument(
        "--slow", action="store_true", help="ten times as slow in the middle, then as before"
    )
    parser.add_argument("--json", type=Path, help="add to this file, by engine and scene")
    return parser.parse_args()


@asynccontextmanager
async def _engine(name: str) -> AsyncIterator[Engine]:
    if name == "embedded":
        async with embedded() as engine:
            yield engine
    else:
        async with servers([NO_PREFIX_CACHE], slots=SLOTS) as (engine,):
            yield engine


async def measured(
    chosen: argparse.Namespace, console: Console, keep: Callable[[str, Found], None]
) -> None:
    """`keep` is given, by engine, the figures of each repetition by arm and phase, once it is through.
    Raises BenchError."""
    scenes = phases(chosen.seconds, slow=chosen.slow)
    for name in chosen.engines:
        try:
            async with _engine(name) as engine:
                told = engine.version or f"xllamacpp {version('xllamacpp')}"
                for number in range(chosen.repetitions):
                    arms: Found = {}
                    for arm in chosen.arms:
                        console.print(f"{name} {number + 1}: {arm}")
                        figures = await turn(engine, arm, scenes, seed=number)
                        arms[arm] = {phase: [of_phase] for phase, of_phase in figures.items()}
                    keep(name, {"version": told, "arms": arms})
        except SkippedError as reason:
            console.print(f"SKIPPED: {name}: {reason}")
            keep(name, {"skipped": str(reason)})


def summary(arms: Found) -> Found:
    """By arm and phase, medians; `over_no_limit` is the median of the ratios of one repetition."""
    told: Found = {}
    for arm, by_phase in arms.items():
        told[arm] = {}
        for phase, turns in by_phase.items():
            own = {name: _median([turn[name] for turn in turns]) for name in _SHOWN}
            base = arms[NO_LIMIT if NO_LIMIT in arms else arm][phase]
            for name in ("tokens_per_s", "tokens_per_cpu_s"):
                pairs = zip(turns, base, strict=False)
                own[f"{name}_over_no_limit"] = _median(
                    [mine[name] / its[name] for mine, its in pairs if mine[name] and its[name]]
                )
            told[arm][phase] = own
    return told


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def added(before: Found, now: Found) -> Found:
    """Repetitions of both, where they are of one engine."""
    if "arms" not in before or "arms" not in now:
        return now if "arms" in now else before or now
    arms = {
        arm: {
            phase: before["arms"].get(arm, {}).get(phase, []) + turns
            for phase, turns in now["arms"].get(arm, before["arms"].get(arm, {})).items()
        }
        for arm in ARMS
        if arm in before["arms"] or arm in now["arms"]
    }
    return {**now, "arms": arms}


_SHOWN = (
    "tokens_per_s",
    "engine_queue_p50",
    "engine_queue_p95",
    "over_dispatch",
    "idle_part",
    "running_mean",
)
_RATIOS = ("tokens_per_s_over_no_limit", "tokens_per_cpu_s_over_no_limit")


def _show(name: str, told: Found, console: Console) -> None:
    table = Table(title=name)
    for column in ("window", "phase", *_SHOWN, *_RATIOS):
        table.add_column(column.replace("_", " "))
    for arm, by_phase in told.items():
        for phase, own in by_phase.items():
            cells = [own[column] for column in (*_SHOWN, *_RATIOS)]
            table.add_row(arm, phase, *("" if c is None else f"{c:.3g}" for c in cells))
    console.print(table)


def main() -> int:
    chosen, console = options(), Console(width=_WIDTH)
    told: Found = {}
    if chosen.json is not None and chosen.json.exists():
        told = json.loads(chosen.json.read_text())
    scene = "slow in the middle" if chosen.slow else "usual"
    settings = {"slots": SLOTS, "clients": NOISE.clients, "seconds": chosen.seconds}

    def keep(name: str, found: Found) -> None:
        whole = added(told.get(name, {}).get(scene, {}), found)
        if "arms" in whole:
            whole["medians"] = summary(whole["arms"])
        told.setdefault(name, {})[scene] = {**settings, **whole}
        if chosen.json is not None:
            chosen.json.write_text(json.dumps(told, indent=1) + "\n")

    asyncio.run(measured(chosen, console, keep))
    for name in chosen.engines:
        if "medians" in told.get(name, {}).get(scene, {}):
            _show(f"{name}, {scene}", told[name][scene]["medians"], console)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"bench: {error}")

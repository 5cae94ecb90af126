"""`python -m bench.window`: see the package."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
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


async def measured(chosen: argparse.Namespace, console: Console) -> Found:
    """By engine, arm and phase, the figures of each repetition. Raises BenchError."""
    found: Found = {}
    scenes = phases(chosen.seconds, slow=chosen.slow)
    for name in chosen.engines:
        arms: Found = {arm: {phase: [] for phase, *_ in scenes} for arm in chosen.arms}
        try:
            async with _engine(name) as engine:
                for number in range(chosen.repetitions):
                    for arm in chosen.arms:
                        console.print(f"{name} {number + 1}: {arm}")
                        figures = await turn(engine, arm, scenes, seed=number)
                        for phase, of_phase in figures.items():
                            arms[arm][phase].append(of_phase)
            found[name] = {"version": engine.version, "arms": arms}
        except SkippedError as reason:
            console.print(f"SKIPPED: {name}: {reason}")
            found[name] = {"skipped": str(reason)}
    return found


def summary(arms: Found) -> list[Sequence[object]]:
    """A row for each arm and phase: medians, and the throughput over that without a limit."""
    rows = []
    for arm, by_phase in arms.items():
        for phase, turns in by_phase.items():
            base = arms.get(NO_LIMIT, by_phase)[phase]
            ratios = [
                mine["tokens_per_s"] / its["tokens_per_s"]
                for mine, its in zip(turns, base, strict=True)
                if its["tokens_per_s"]
            ]
            rows.append(
                (
                    arm,
                    phase,
                    median(turn["tokens_per_s"] for turn in turns),
                    median(ratios) if ratios else None,
                    *(_median(turns, name) for name in _SHOWN),
                )
            )
    return rows


_SHOWN = ("engine_queue_p50", "engine_queue_p95", "over_dispatch", "idle_part", "running_mean")


def _median(turns: Sequence[Found], name: str) -> float | None:
    values = [turn[name] for turn in turns if turn[name] is not None]
    return median(values) if values else None


def _show(name: str, rows: Sequence[Sequence[object]], console: Console) -> None:
    table = Table(title=name)
    for column in ("window", "phase", "tokens/s", "over no limit", *_SHOWN):
        table.add_column(column)
    for row in rows:
        table.add_row(*(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row))
    console.print(table)


def main() -> int:
    chosen, console = options(), Console()
    found = asyncio.run(measured(chosen, console))
    told: Found = {}
    if chosen.json is not None and chosen.json.exists():
        told = json.loads(chosen.json.read_text())
    scene = "slow in the middle" if chosen.slow else "usual"
    for name, of_engine in found.items():
        if "skipped" not in of_engine:
            of_engine["medians"] = summary(of_engine["arms"])
            _show(f"{name}, {scene}", of_engine["medians"], console)
        told.setdefault(name, {})[scene] = {
            "slots": SLOTS,
            "clients": NOISE.clients,
            "seconds": chosen.seconds,
            **of_engine,
        }
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"bench: {error}")

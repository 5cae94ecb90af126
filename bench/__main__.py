"""`python -m bench`: see the package."""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import uvloop
from rich.console import Console

from bench.arms import NAMES, SkippedError, arm, engine
from bench.load import BenchError, Target
from bench.measures import Sizes
from bench.pinned import cores, pinned
from bench.report import report
from bench.rounds import Rounds, interleaved
from bench.scheduling import QUICK, Scale, scheduling
from bench.screen import show
from bench.simulator import QUICK_LENGTH, Length, simulator
from evenhand.scheduling import PRESETS

_QUICK = Sizes(seconds=0.3, repeats=20)
PARTS = ("gateway", "scheduling", "simulator")


def options() -> argparse.Namespace:
    whole = Sizes()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds: a look, no measure")
    parser.add_argument("--rounds", type=int, help="interleaved rounds; 5 unless quick")
    parser.add_argument("--seconds", type=float, help="of each measurement; 1 unless quick")
    parser.add_argument("--repeats", type=int, help="of what is asked one by one; 100 unless quick")
    parser.add_argument(
        "--streams",
        type=int,
        nargs=2,
        metavar=("FEW", "MANY"),
        default=(whole.few_streams, whole.many_streams),
    )
    parser.add_argument("--arms", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--only", choices=PARTS, help="one part of the rows")
    parser.add_argument("--presets", nargs="+", default=[*PRESETS, "dlpm"], metavar="NAME")
    parser.add_argument("--json", type=Path, help="write all figures of all rounds to this file")
    return parser.parse_args()


def sizes_of(chosen: argparse.Namespace) -> Sizes:
    usual = _QUICK if chosen.quick else Sizes()
    few, many = chosen.streams
    return Sizes(
        seconds=chosen.seconds or usual.seconds,
        repeats=chosen.repeats or usual.repeats,
        few_streams=few,
        many_streams=many,
    )


def gateway_rounds(
    chosen: argparse.Namespace, sizes: Sizes, rounds: int, tell: Callable[[str], None]
) -> tuple[Rounds, dict[str, str]]:
    """Figures of the arms that run here, and why the others do not."""
    where, skipped = cores(), {}
    if where.proxy == where.load:
        tell("One core for everything: times say little, CPU still counts.")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evenhand-bench-")))
        behind = stack.enter_context(engine(where))
        arms: dict[str, Target] = {}
        for name in chosen.arms:
            try:
                arms[name] = stack.enter_context(arm(name, behind, where, folder / name))
            except SkippedError as reason:
                skipped[name] = str(reason)
        with pinned(where.load):
            found = uvloop.run(interleaved(arms, behind, sizes, rounds=rounds, tell=tell))
    return found, skipped


def main() -> int:
    """Measure, print, write; the exit code. A missed goal is a finding, not a failure."""
    chosen, console = options(), Console()
    progress = Console(stderr=True)
    sizes, scale = sizes_of(chosen), QUICK if chosen.quick else Scale()
    length = QUICK_LENGTH if chosen.quick else Length()
    rounds = chosen.rounds or (2 if chosen.quick else 5)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    found: Rounds = {}
    skipped: dict[str, str] = {}
    with progress.status("starting") as status:

        def tell(what: str) -> None:
            status.update(what)
            if not progress.is_terminal:
                progress.print(what)

        parts = (chosen.only,) if chosen.only else PARTS
        if "gateway" in parts:
            figures, reasons = gateway_rounds(chosen, sizes, rounds, tell)
            found, skipped = {**found, **figures}, {**skipped, **reasons}
        if "scheduling" in parts:
            with pinned(cores().load):
                figures, reasons = scheduling(chosen.presets, scale, rounds=rounds, tell=tell)
            found, skipped = {**found, **figures}, {**skipped, **reasons}
        if "simulator" in parts:
            with pinned(cores().load):
                found = {**found, **simulator(length, rounds=rounds, tell=tell)}
    measured = {**asdict(sizes), **asdict(scale), **asdict(length), "leaves": scale.leaves}
    told = report(found, measured, skipped, machine)
    show(console, told)
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"bench: {error}")

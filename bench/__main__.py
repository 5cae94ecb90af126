"""`python -m bench`: see the package."""

import argparse
import json
import os
import platform
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import uvloop
from rich.console import Console

from bench.arms import NAMES, SkippedError, arm, engine
from bench.load import BenchError, Target
from bench.measures import Sizes
from bench.pinned import cores
from bench.report import report
from bench.rounds import interleaved
from bench.screen import show

_QUICK = Sizes(seconds=0.3, repeats=20)


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


def main() -> int:
    """Measure, print, write; the exit code. A missed goal is a finding, not a failure."""
    chosen, console = options(), Console()
    progress = Console(stderr=True)
    sizes, where = sizes_of(chosen), cores()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    if where.proxy == where.load:
        progress.print("One core for everything: times say little, CPU still counts.")
    skipped: dict[str, str] = {}
    with ExitStack() as stack, progress.status("starting") as status:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evenhand-bench-")))
        behind = stack.enter_context(engine(where))
        arms: dict[str, Target] = {}
        for name in chosen.arms:
            try:
                arms[name] = stack.enter_context(arm(name, behind, where, folder / name))
            except SkippedError as reason:
                skipped[name] = str(reason)
        os.sched_setaffinity(0, {where.load})

        def tell(what: str) -> None:
            status.update(what)
            if not progress.is_terminal:
                progress.print(what)

        rounds = uvloop.run(
            interleaved(
                arms, behind, sizes, rounds=chosen.rounds or (2 if chosen.quick else 5), tell=tell
            )
        )
    told = report(rounds, sizes, skipped, machine)
    show(console, told)
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"bench: {error}")

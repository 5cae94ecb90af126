"""`python -m bench.prefix_workers`: see the package."""

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.prefix_workers.arms import OTHERS, Arm, d2lpm
from bench.prefix_workers.figures import figures
from bench.prefix_workers.phase import PhaseError, phase
from bench.prefix_workers.traffic import LONG, USUAL, Traffic
from bench.prefix_workers.verdict import Round, verdict
from bench.prefix_workers.workers import described, workers
from evenhand.cli.demo.record import Record

_ARMS = ("d2lpm", *OTHERS)
_SHOWN = (
    *("requests_per_s", "cached_share", "jain_service", "jain_units"),
    *("victims_ttft_p50_s", "victims_ttft_p99_s", "victims_whole_p99_s"),
)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.prefix_workers", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3, help="interleaved; 3")
    parser.add_argument("--seconds", type=float, default=15.0, help="measured of each policy; 15")
    parser.add_argument("--warm", type=float, default=5.0, help="seconds before; 5")
    parser.add_argument("--arms", nargs="+", choices=_ARMS, default=list(_ARMS))
    parser.add_argument(
        "--dynamo", type=Path, help="a Python that has ai-dynamo: its simulated engines instead"
    )
    parser.add_argument(
        "--json", type=Path, help="write all figures to this file, beside those of other engines"
    )
    parser.add_argument(
        "--more", action="store_true", help="after the repetitions that are in the file already"
    )
    return parser.parse_args()


def measured(chosen: argparse.Namespace, console: Console, before: list[Round]) -> list[Round]:
    """The policies by turns, as often as asked, after those of `before`."""
    rounds = list(before)
    whole_s = chosen.warm + chosen.seconds
    with tempfile.TemporaryDirectory(prefix="evenhand-bench-") as folder:
        for number in range(len(before), len(before) + chosen.repetitions):
            found: Round = {}
            for name in chosen.arms:
                records = asyncio.run(_one(_arm(name, chosen), chosen, Path(folder), number))
                found[name] = figures(
                    records, _traffic(chosen), warm_s=chosen.warm, seconds=whole_s
                )
                console.print(f"{number + 1}. {name}: {_told(found[name])}", highlight=False)
            rounds.append(found)
    return rounds


def _arm(name: str, chosen: argparse.Namespace) -> Arm:
    return OTHERS[name] if name in OTHERS else d2lpm(_traffic(chosen).document_words)


def _traffic(chosen: argparse.Namespace) -> Traffic:
    return USUAL if chosen.dynamo is None else LONG


async def _one(arm: Arm, chosen: argparse.Namespace, folder: Path, number: int) -> list[Record]:
    seconds = chosen.warm + chosen.seconds
    async with workers(chosen.dynamo, folder) as engines:
        return await phase(arm, _traffic(chosen), engines, folder, seconds=seconds, seed=number)


def _told(found: dict[str, Any]) -> str:
    return ", ".join(f"{name} {found[name] or 0:.3f}" for name in _SHOWN)


def show(console: Console, rounds: list[Round], judged: dict[str, Any]) -> None:
    table = Table("medians", *_SHOWN)
    for arm in rounds[0]:
        middle = (statistics.median(r[arm][name] for r in rounds) for name in _SHOWN)
        table.add_row(arm, *(f"{value:.3f}" for value in middle))
    console.print(table)
    for name, found in judged.items():
        told = "met" if found["is_met"] else "missed"
        console.print(f"{name}: {found['median']:.3f}, {told}", highlight=False)


def main() -> int:
    """Measure, print, write; the exit code. A missed target is a finding, not a failure."""
    chosen, console = options(), Console()
    written: dict[str, Any] = {}
    if chosen.json and chosen.json.exists():
        written = json.loads(chosen.json.read_text())
    engines = "embedded" if chosen.dynamo is None else "simulated"
    before: list[Round] = written[engines]["repetitions"] if chosen.more else []
    rounds = measured(chosen, console, before)
    judged = verdict(rounds) if set(chosen.arms) == set(_ARMS) else {}
    show(console, rounds, judged)
    if chosen.json:
        written[engines] = {
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, "
            f"Python {platform.python_version()}",
            "command": "python -m bench.prefix_workers",
            "workers": described(chosen.dynamo),
            "traffic": asdict(_traffic(chosen)),
            "warm_s": chosen.warm,
            "seconds": chosen.seconds,
            "arms": {name: asdict(_arm(name, chosen)) for name in chosen.arms},
            "targets": judged,
            "repetitions": rounds,
        }
        chosen.json.write_text(json.dumps(written, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PhaseError as error:
        sys.exit(f"bench: {error}")

"""`python -m bench.neighbour`: see the package."""

import json
import os
import platform
import sys
from typing import Any

import uvloop
from rich.console import Console

from bench.load import BenchError
from bench.neighbour import reasoning, report, screen
from bench.neighbour.course import Found, course
from bench.neighbour.options import ENGINES, Options, options
from bench.neighbour.plot import svg
from evenhand.cli.demo.options import DemoError


def told(found: Found) -> dict[str, Any]:
    """All that was found, with rows and verdicts, as JSON has it."""
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "targets": [],
        **found,
    }
    for engine in ENGINES:
        own = found.get(engine)
        if own is None:
            continue
        rows = report.rows(own["repetitions"])
        thinking = reasoning.rows(own["reasoning"])
        result[engine] = {**own, "rows": rows, "reasoning_rows": thinking}
        result["targets"] += report.verdicts(engine, rows)
        result["targets"] += reasoning.verdicts(engine, thinking)
    whole: dict[str, Any] = report.rounded(result)
    return whole


def show(console: Console, whole: dict[str, Any], chosen: Options) -> None:
    """Tables, what was skipped, verdicts; and the plot."""
    plotted = {}
    for engine in ENGINES:
        own = whole.get(engine)
        if own is None:
            continue
        if own["rows"]:
            title = f"{own['version']}, {whole['settings']['slots']} slots"
            plotted[title] = own["rows"]
            screen.show(console, f"a chat beside a flood, {title}", own["rows"])
        if own["reasoning_rows"]:
            screen.show_reasoning(console, own["reasoning_rows"])
        if own["skipped"] is not None:
            console.print(f"SKIPPED: {engine}: {own['skipped']}", markup=False, style="bold")
    screen.show_verdicts(console, whole["targets"])
    if chosen.plot_file is not None and plotted:
        chosen.plot_file.write_text(svg(plotted))


def main() -> int:
    """Measure, print, write. A missed target is a finding, not a failure."""
    chosen, progress = options(), Console(stderr=True)

    def tell(what: str) -> None:
        progress.print(what, markup=False)

    def keep(found: Found) -> dict[str, Any]:
        whole = told(found)
        if chosen.json_file is not None:
            chosen.json_file.write_text(json.dumps(whole, indent=1) + "\n")
        return whole

    show(Console(), keep(uvloop.run(course(chosen, tell, keep))), chosen)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BenchError, DemoError) as error:
        sys.exit(f"bench: {error}")

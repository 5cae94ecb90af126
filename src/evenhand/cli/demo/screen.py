"""What a person sees while the phases run: a live table, or plain lines where that is impossible."""

import asyncio
from contextlib import suppress

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from evenhand.cli.demo.load import Load
from evenhand.cli.demo.phase import Phase
from evenhand.cli.demo.words import wait

_REFRESH_S = 0.5
_LINE_EVERY_S = 10.0


class Screen:
    """Shows phases one after the other on a console."""

    def __init__(self, console: Console, *, phases: int) -> None:
        self._console = console
        self._phases = phases
        self._number = 0

    async def follow(self, phase: Phase, load: Load) -> None:
        """Run the load and show how it goes; what it raises is raised."""
        self._number += 1
        title = f"{self._number}/{self._phases} {phase.name}: {phase.about}"
        watch = asyncio.create_task(
            self._live(title, load) if self._console.is_terminal else self._lines(title, load)
        )
        try:
            await load.run()
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
        self._console.print(f"{title}: {summary(load)}", highlight=False, soft_wrap=True)

    async def _live(self, title: str, load: Load) -> None:
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while True:
                live.update(board(title, load), refresh=True)
                await asyncio.sleep(_REFRESH_S)

    async def _lines(self, title: str, load: Load) -> None:
        self._console.print(f"{title}, {load.seconds:g} s", highlight=False, soft_wrap=True)
        while True:
            await asyncio.sleep(_LINE_EVERY_S)
            line = f"    {load.now_s:.0f} s: {summary(load)}"
            self._console.print(line, highlight=False, soft_wrap=True)


def board(title: str, load: Load) -> Table:
    """The state of the phase at this moment."""
    now = min(load.now_s, load.seconds)
    rows = Table(box=None, padding=(0, 2, 0, 2))
    for column in ("tenant", "sent", "done", "open", "refused", "failed", "first token"):
        rows.add_column(column, justify="left" if column == "tenant" else "right", min_width=7)
    for tenant, tally in load.tallies.items():
        failed = f"[red]{tally.failed}[/]" if tally.failed else "0"
        refused = f"[yellow]{tally.refused}[/]" if tally.refused else "0"
        numbers = (str(tally.sent), str(tally.done), str(tally.open), refused, failed)
        rows.add_row(tenant, *numbers, wait(tally.ttft_s(load.now_s)))
    whole = Table.grid()
    whole.add_row(f"[bold]{title}[/], {load.seconds - now:.0f} s left")
    whole.add_row(ProgressBar(total=load.seconds, completed=now, width=60))
    whole.add_row(rows)
    return whole


def summary(load: Load) -> str:
    """The same in one line."""
    parts = []
    for tenant, tally in load.tallies.items():
        failed = f", {tally.refused} refused" if tally.refused else ""
        failed += f", {tally.failed} FAILED" if tally.failed else ""
        first = wait(tally.ttft_s(min(load.now_s, load.seconds)))
        parts.append(f"{tenant} {tally.done} of {tally.sent} done{failed}, first token {first}")
    return " | ".join(parts)

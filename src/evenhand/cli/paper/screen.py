"""A paper's figures beside ours, in a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evenhand.sim.papers.result import PaperResult, PaperRow, PaperTable
from evenhand.sim.papers.verdict import Verdict

_COLOURS = {
    Verdict.REPRODUCED: "green",
    Verdict.DIRECTION: "yellow",
    Verdict.MISSED: "red",
    Verdict.DOUBTFUL: "magenta",
    Verdict.UNCHECKED: "dim",
}


def show(result: PaperResult, console: Console) -> None:
    """What ran on what, a row for each claim with its verdict, then the tables."""
    form = ", quick form" if result.quick else ""
    console.print(Text.assemble((result.title, "bold"), f" ({result.source}{form})"))
    for fact in result.setting:
        console.print(Text(f"  {fact}", "dim"))
    console.print()
    console.print(_claims(result.rows))
    for number, row in enumerate((row for row in result.rows if row.note), start=1):
        console.print(Text(f"  [{number}] {row.note}", "dim"))
    for table in result.tables:
        console.print()
        console.print(Text(table.title, "bold underline"))
        console.print(_grid(table))
        if table.note:
            console.print(Text(f"  {table.note}", "dim"))


def _claims(rows: tuple[PaperRow, ...]) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for title, side, ratio in (
        ("what", "left", 4),
        ("published", "left", 2),
        ("ours", "right", 1),
        ("counts as reproduced", "left", 3),
        ("verdict", "left", 2),
    ):
        grid.add_column(title, justify="right" if side == "right" else "left", ratio=ratio)
    notes = 0
    for row in rows:
        notes += bool(row.note)
        what = f"{row.what} [{notes}]" if row.note else row.what
        verdict = Text(row.verdict, _COLOURS[row.verdict])
        grid.add_row(Text(what), Text(row.published), row.ours_text, row.tolerance, verdict)
    return grid


def _grid(table: PaperTable) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    for number, column in enumerate(table.columns):
        grid.add_column(column, justify="right" if number else "left")
    for row in table.rows:
        grid.add_row(*(Text(cell) for cell in row))
    return grid

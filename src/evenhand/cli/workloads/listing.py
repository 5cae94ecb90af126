"""All workloads in one table."""

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evenhand.cli.workloads.portrait import default_in_words
from evenhand.workloads.workload import WorkloadRecipe


def listing(recipes: Iterable[WorkloadRecipe], console: Console) -> None:
    """Print the table, and where to read on."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("workload", no_wrap=True)
    table.add_column("what it sends", ratio=4)
    table.add_column("dials", ratio=3)
    table.add_column("source", ratio=3)
    for recipe in recipes:
        dials = " ".join(f"{dial.name}={default_in_words(dial)}" for dial in recipe.dials)
        table.add_row(
            Text(recipe.name, "bold"),
            recipe.summary,
            Text(dials or "-", "" if dials else "dim"),
            Text(recipe.source, "dim"),
        )
    console.print(table)
    console.print()
    console.print(
        "All of it is synthetic: drawn, seed by seed, from published figures.", style="dim"
    )
    console.print("`evenhand workloads NAME` explains one, its dials and what it adds up to.")

"""All policies in one table."""

import re
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evenhand.scheduling import Policy

_LEGEND = re.compile(r" \((?=[^()]*[a-z]{3})[^()]*\)$")
"""Words in parentheses at the end."""


def listing(policies: Iterable[Policy], offered: Iterable[str], console: Console) -> None:
    """Print the table, what others offer, and where to read on."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("policy", no_wrap=True)
    table.add_column("fair", no_wrap=True)
    table.add_column("what goes next", ratio=5)
    table.add_column("bound", ratio=2)
    table.add_column("source", ratio=3)
    for policy in policies:
        table.add_row(
            Text(policy.name, "bold"),
            Text("yes", "green") if policy.is_fair else Text("no", "dim"),
            policy.summary,
            Text(shortened(policy.bound), "" if policy.is_fair else "dim"),
            Text(policy.source or "-", "" if policy.source else "dim"),
        )
    console.print(table)
    console.print()
    console.print(
        "fair: two tenants that wait for the same engines, and use no others, never differ in service"
        " per weight by more than the bound: W requests in flight, C the cost of the largest, w the"
        " least weight, Q a quantum.",
        style="dim",
    )
    others = ", ".join(offered)
    if others:
        console.print(f"Installed packages offer: {others}", markup=False)
    console.print("`evenhand policies NAME` explains one and its parameters.", style="dim")


def shortened(bound: str) -> str:
    """The bound without what its letters mean."""
    return _LEGEND.sub("", bound)

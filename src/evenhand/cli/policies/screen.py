"""One policy, explained in a terminal."""

from rich import box
from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from evenhand.cli.policies.derivation import summary
from evenhand.cli.policies.portrait import parts_of, portrait, snippet
from evenhand.scheduling import Policy

_INDENT = (0, 0, 0, 2)


def show(policy: Policy, console: Console) -> None:
    """What it is, its parts and parameters, the derivation in short, and how to ask for it."""
    console.print(Text.assemble((policy.name, "bold"), f": {policy.summary}"))
    console.print()
    facts = _grid()
    facts.add_row("fair", Text("yes", "green") if policy.is_fair else Text("no", "yellow"))
    facts.add_row("bound", Text(policy.bound))
    facts.add_row("source", Text(policy.source or "-"))
    if policy.page:
        facts.add_row("page", Text(f"evenhand/scheduling/{policy.page}"))
    console.print(Padding(facts, _INDENT))
    _headline(console, "Parts")
    parts = _grid()
    for seam, part in parts_of(policy):
        parts.add_row(seam, Text(part.name, "bold"), Text(part.summary))
    console.print(Padding(parts, _INDENT))
    _headline(console, "Parameters")
    console.print(Padding(_parameters(policy), _INDENT))
    told = summary(policy)
    if told:
        console.print()
        console.print(Markdown(told))
    _headline(console, "To use it")
    console.print(Padding(Text(snippet(policy).rstrip()), _INDENT))


def _grid() -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    return table


def _headline(console: Console, text: str) -> None:
    console.print()
    console.print(text, style="bold underline")


def _parameters(policy: Policy) -> Table | Text:
    """The unit of each is the last word of its name."""
    parameters = portrait(policy)["parameters"]
    if not parameters:
        return Text("none", "dim")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    for title, side in (("parameter", "left"), ("default", "right"), ("from", "right")):
        table.add_column(title, justify="right" if side == "right" else "left", no_wrap=True)
    table.add_column("to", justify="right", no_wrap=True)
    table.add_column("meaning")
    for p in parameters:
        numbers = (str(p["default"]), str(p["minimum"]), str(p["maximum"]))
        meaning = Text.assemble(p["meaning"], (f" ({', '.join(p['of'])})", "dim"))
        table.add_row(Text(p["name"], "bold"), *numbers, meaning)
    return table

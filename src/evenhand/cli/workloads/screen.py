"""One workload, explained in a terminal."""

from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from evenhand.cli.workloads.portrait import default_in_words, span_in_words
from evenhand.workloads.workload import Dial, WorkloadRecipe

_INDENT = (0, 0, 0, 2)


def show(recipe: WorkloadRecipe, told: dict[str, Any], console: Console) -> None:
    """What it is, its dials, what it adds up to, and how to replay it; `told` is its portrait."""
    console.print(Text.assemble((recipe.name, "bold"), f": {recipe.summary}"))
    console.print()
    facts = _grid()
    facts.add_row("source", Text(recipe.source))
    made = "no such traffic was ever measured" if recipe.is_synthetic else "measured"
    facts.add_row("synthetic", Text(f"{'yes' if recipe.is_synthetic else 'no'}, {made}"))
    for name, lane in told["lanes"].items():
        target = lane["ttft_ms_target"]
        aim = "no target" if target is None else f"first token within {target} ms"
        facts.add_row("lane", Text(f"{name}, {aim}"))
    console.print(Padding(facts, _INDENT))
    _headline(console, "Dials")
    values = {dial["name"]: dial["value"] for dial in told["dials"]}
    console.print(Padding(_dials(recipe.dials, values), _INDENT))
    _headline(console, f"What it adds up to, with seed {told['seed']}")
    console.print(Padding(_figures(told), _INDENT))
    _headline(console, "To replay it")
    dial = recipe.dials[0] if recipe.dials else None
    turned = f" --set {dial.name}={default_in_words(dial).replace(',', '')}" if dial else ""
    command = f"evenhand simulate {recipe.name} --policy fcfs,vtc --engine PROFILE{turned}"
    console.print(Padding(Text(command), _INDENT))


def _figures(told: dict[str, Any]) -> Table:
    figures = told["figures"]
    rows = _grid()
    if told["size"] > figures["requests"]:
        rows.add_row(
            "requests", f"{told['size']:,}; figures are of the first {figures['requests']:,}"
        )
    else:
        rows.add_row("requests", f"{told['size']:,}")
    rows.add_row("interactions", f"{figures['interactions']:,}")
    heaviest = f"{figures['tenants']:,}; the heaviest {figures['heaviest_share']:.1%} of in + 2 out"
    rows.add_row("tenants", heaviest)
    rows.add_row("input", f"{figures['input_mean']:,.0f} tokens on average")
    rows.add_row("output", f"{figures['output_mean']:,.0f} tokens on average")
    rows.add_row(
        "sent within", f"{figures['duration_s']:,.0f} s, later where calls wait for others"
    )
    reuse = f"{figures['ideal_reuse']:.1%} of the input, with a prefix cache without limit"
    rows.add_row("reuse", reuse)
    return rows


def _dials(dials: tuple[Dial, ...], values: dict[str, Any]) -> Table | Text:
    if not dials:
        return Text("none", "dim")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("dial", no_wrap=True)
    table.add_column("default", justify="right", no_wrap=True)
    table.add_column("range")
    table.add_column("meaning")
    for dial in dials:
        stands = default_in_words(dial)
        if values[dial.name] != dial.default:
            stands += f", now {values[dial.name]}"
        table.add_row(Text(dial.name, "bold"), stands, span_in_words(dial), Text(dial.meaning))
    return table


def _grid() -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    return table


def _headline(console: Console, text: str) -> None:
    console.print()
    console.print(text, style="bold underline")

"""Engine profiles in a terminal: all in a table, or one in full."""

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evenhand.cli.profiles.portrait import engine_words, examples
from evenhand.sim.profile import EngineProfile


def list_all(profiles: Iterable[EngineProfile], console: Console) -> None:
    """A line or some for each."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("profile", overflow="fold", min_width=26)
    table.add_column("engine", min_width=14)
    table.add_column("cache", justify="right")
    table.add_column("evidence", ratio=2)
    table.add_column("error", ratio=3)
    for profile in profiles:
        table.add_row(
            Text(profile.name, "bold"),
            Text(engine_words(profile)),
            f"{profile.kv_tokens:,}",
            Text(_first_sentence(profile.evidence)),
            Text(_first_sentence(profile.fit_error)),
        )
    console.print(table)
    console.print()
    console.print("cache: tokens that fit in the key-value cache.", style="dim")
    console.print("`evenhand profiles NAME` shows one with all its figures.", style="dim")
    console.print("`evenhand calibrate` fits one to the log of an engine of yours.", style="dim")


def show(profile: EngineProfile, console: Console) -> None:
    """All that is known of it."""
    console.print(Text(profile.name, "bold"))
    facts = _grid()
    facts.add_row("engine", Text(engine_words(profile)))
    facts.add_row("model", Text(profile.model))
    facts.add_row("loop", Text(profile.loop))
    facts.add_row("evidence", Text(profile.evidence))
    facts.add_row("error", Text(profile.fit_error))
    facts.add_row("cache", f"{profile.kv_tokens:,} tokens in blocks of {profile.block_tokens}")
    if profile.kv_evidence:
        facts.add_row("", Text(profile.kv_evidence))
    facts.add_row("prefix cache", "yes" if profile.prefix_cache else "no")
    facts.add_row("limits", f"{profile.sequences_max:,} requests at once")
    facts.add_row("", f"{profile.step_tokens_max:,} tokens a step")
    console.print(facts)
    for title, rows in (
        ("A step takes (ms)", profile.step.model_dump(exclude_none=True).items()),
        ("That is (ms)", examples(profile)),
    ):
        console.print()
        console.print(title, style="bold underline")
        figures = _grid()
        for name, value in rows:
            figures.add_row(name, f"{value:g}")
        console.print(figures)


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].removesuffix(".")


def _grid() -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    return table

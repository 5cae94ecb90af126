"""The findings as a table for people, and as JSON."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evenhand.cli.probe.finding import EngineFindings, Finding, Verdict

_STYLES: Final = {
    Verdict.OK: "green",
    Verdict.NOTE: "dim",
    Verdict.MISSING: "yellow",
    Verdict.WARNING: "bold yellow",
    Verdict.WRONG: "bold red",
}


def show(engines: Iterable[EngineFindings], console: Console) -> None:
    """One table for each engine."""
    for engine in engines:
        console.print(Text.assemble((engine.name, "bold"), f"  {engine.kind}  {engine.url}"))
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
        table.add_column("", no_wrap=True)
        table.add_column("what", no_wrap=True)
        table.add_column("seen, what it costs, what to do", overflow="fold")
        for finding in engine.findings:
            verdict = Text(finding.verdict, _STYLES[finding.verdict])
            table.add_row(verdict, Text(finding.topic), _words(finding))
        console.print(table)
        console.print()


def document(engines: Iterable[EngineFindings]) -> dict[str, Any]:
    """All of it, JSON-ready."""
    rows = [{**asdict(engine), "wrong": engine.is_wrong} for engine in engines]
    return {"engines": rows, "wrong": any(row["wrong"] for row in rows)}


def _words(finding: Finding) -> Text:
    text = Text(finding.says)
    if finding.costs:
        text.append(f"\n{finding.costs}", "dim")
    if finding.do:
        text.append(f"\n-> {finding.do}", "bold")
    return text

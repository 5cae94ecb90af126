"""The rows and the verdicts as people read them in a terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from bench.neighbour.rounds import Figures

_COLUMNS = (
    "alone ms\np50",
    "beside ms\np50",
    "\np99",
    "ratio",
    "gateway\nwait ms",
    "next\nslot ms",
    "token gap\np99 ms",
    "tokens/s",
    "of\ndirect",
    "Jain\n1 s",
    "received / due\nleast  most",
    "longest\nstop s",
)
_FIGURES = {
    "wait_over_release": "wait in the gateway over the time to the next slot release",
    "ratio": "first token beside the noise over alone",
    "over_due_min": "received over due, worst window of ten longest requests",
    "gap_s_max": "longest time without service of a backlogged tenant, s",
    "tokens_over_direct": "tokens/s of direct",
    "step_p99_over_alone": "chats' inter-token p99 beside a reasoning request over alone",
}


def show(console: Console, title: str, rows: Mapping[str, Figures]) -> None:
    """One engine's table."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    for arm, row in rows.items():
        due = _two(row.get("over_due_min"))
        table.add_row(
            arm,
            *(_ms(row.get(name)) for name in ("alone_p50_ms", "beside_p50_ms", "beside_p99_ms")),
            f"{row['ratio']:.1f}",
            *(_ms(row.get(name)) for name in ("queue_wait_mean_ms", "release_mean_ms")),
            _ms(row.get("step_p99_ms")),
            f"{row['tokens_per_s']:.0f}",
            *(_two(row.get(name)) for name in ("tokens_over_direct", "jain_1s")),
            due and f"{due}  {_two(row.get('over_due_max'))}",
            _two(row.get("gap_s_max")),
        )
    console.print(table)
    fuller = next((row["fuller_batch_ratio"] for row in rows.values()), None)
    if fuller is not None:
        console.print(
            f"Of each ratio {fuller:.1f} is the fuller batch itself: the chat's first token directly"
            " from the engine while all slots but one are taken, over alone.",
            highlight=False,
        )
    cpu = {name: f"{part:.2f}" for row in rows.values() for name, part in row["cpu"].items()}
    console.print(f"Cores used beside the noise (last arm): {cpu}", highlight=False)


def show_reasoning(console: Console, rows: Mapping[str, Figures]) -> None:
    """Pace of ten chats' answers, alone and beside one long request after the other."""
    table = Table(title="ten chats beside a reasoning request, vLLM", title_justify="left")
    names = {
        "alone_step_p50_ms": "alone ms\np50",
        "alone_step_p99_ms": "\np99",
        "step_p50_ms": "beside ms\np50",
        "step_p99_ms": "\np99",
        "step_max_ms": "\nmost",
        "prompt_step_p99_ms": "its prompt\np99",
        "thinking_step_p99_ms": "it thinks\np99",
        "thinker_ttft_ms": "its first\ntoken ms",
        "tokens_per_s": "tokens/s",
    }
    table.add_column("")
    for column in (*names.values(), "p99 over\nalone"):
        table.add_column(column, justify="right")
    for arm, row in rows.items():
        table.add_row(
            arm, *(_ms(row.get(name)) for name in names), f"{row['step_p99_over_alone']:.2f}"
        )
    console.print(table)


def show_verdicts(console: Console, verdicts: Sequence[Figures]) -> None:
    """Which targets were met."""
    for each in verdicts:
        is_least = "at_least" in each
        bound = each["at_least"] if is_least else each["at_most"]
        console.print(
            f"{'met   ' if each['is_met'] else 'MISSED'} {each['engine']}, {each['arm']}:"
            f" {_FIGURES[each['figure']]}: {each['found']:.2f},"
            f" at {'least' if is_least else 'most'} {bound:g}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _ms(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"

"""The rows and the verdicts as people read them in a terminal."""

from collections.abc import Callable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from bench.neighbour.rounds import Figures

_FIGURES = {
    "wait_over_release": "wait in the gateway over the time to the next slot release",
    "ratio": "first token beside the noise over alone",
    "over_due_min": "received over due, worst window of ten longest requests",
    "gap_s_max": "longest time without service of a backlogged tenant, s",
    "tokens_over_direct": "tokens/s of direct",
    "step_p99_over_alone": "chats' inter-token p99 beside a reasoning request over alone",
}


def show(console: Console, title: str, rows: Mapping[str, Figures]) -> None:
    """One engine's tables: what the chat waits for, and what the others get."""
    _table(
        console,
        f"{title}: the chat",
        {
            "alone ms\np50": ("alone_p50_ms", _ms),
            "beside ms\np50": ("beside_p50_ms", _ms),
            "\np99": ("beside_p99_ms", _ms),
            "ratio": ("ratio", _two),
            "queue\nms": ("queue_wait_mean_ms", _ms),
            "slot\nms": ("release_mean_ms", _ms),
            "gap ms\np99": ("step_p99_ms", _ms),
        },
        rows,
    )
    _table(
        console,
        f"{title}: all, and three tenants with full queues",
        {
            "tokens/s": ("tokens_per_s", _ms),
            "of\ndirect": ("tokens_over_direct", _two),
            "Jain\n1 s": ("jain_1s", _two),
            "of due\nleast": ("over_due_min", _two),
            "\nmost": ("over_due_max", _two),
            "longest\nstop s": ("gap_s_max", _two),
        },
        rows,
    )
    console.print(
        "queue: mean wait in the gateway; slot: mean time until another request ended, which is when a"
        " slot came free; gap: between tokens.",
        style="dim",
    )
    fuller = next((row["fuller_batch_ratio"] for row in rows.values()), None)
    if fuller is not None:
        console.print(
            f"Of each ratio {fuller:.1f} is the fuller batch itself: the chat's first token directly"
            " from the engine while all slots but one are taken, over alone.",
            highlight=False,
        )
    used: dict[str, float] = {}
    for row in rows.values():
        for name, part in row["cpu"].items():
            used[name] = max(used.get(name, 0.0), part)
    told = ", ".join(f"{name} {part:.2f}" for name, part in used.items())
    console.print(f"Cores used beside the noise, at most: {told}.", highlight=False)


def show_reasoning(console: Console, rows: Mapping[str, Figures]) -> None:
    """Pace of ten chats' answers, alone and beside one long request after the other."""
    _table(
        console,
        "ten chats beside a reasoning request, vLLM: time between tokens, ms",
        {
            "alone\np99": ("alone_step_p99_ms", _ms),
            "beside\np99": ("step_p99_ms", _ms),
            "\nmost": ("step_max_ms", _ms),
            "prompt\np99": ("prompt_step_p99_ms", _ms),
            "answer\np99": ("thinking_step_p99_ms", _ms),
            "p99 over\nalone": ("step_p99_over_alone", _two),
            "its TTFT\nms": ("thinker_ttft_ms", _ms),
        },
        rows,
    )


def _table(
    console: Console,
    title: str,
    columns: Mapping[str, tuple[str, Callable[[float | None], str]]],
    rows: Mapping[str, Figures],
) -> None:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right", vertical="bottom")
    for arm, row in rows.items():
        table.add_row(arm, *(form(row.get(name)) for name, form in columns.values()))
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

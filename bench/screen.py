"""The report as people read it in a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table

_WORDS = {
    "request_2k_cpu_us": "CPU a request, 2 KB prompt, {in_flight} in flight, us",
    "request_32k_cpu_us": "CPU a request, 32 KB prompt, {in_flight} in flight, us",
    "request_paced_cpu_us": "CPU a request, 2 KB prompt, 1,000 a second, us",
    "request_2k_p50_us": "time of a request, 2 KB, {in_flight} in flight, p50 us",
    "request_32k_p50_us": "time of a request, 32 KB, {in_flight} in flight, p50 us",
    "chunk_few_streams_cpu_us": "CPU a chunk, {few_streams} streams, us",
    "chunk_many_streams_cpu_us": "CPU a chunk, {many_streams} streams, us",
    "first_token_p50_us": "first token, one kept-alive connection, p50 us",
    "left_mid_stream_p50_us": "client gone mid-stream to engine closed, p50 us",
    "left_before_first_byte_p50_us": "client gone before the first byte, p50 us",
}


def show(console: Console, told: dict[str, Any]) -> None:
    """Print the table and the goals."""
    arms = list(dict.fromkeys(arm for cells in told["rows"].values() for arm in cells))
    table = Table(caption="medians over the rounds; (x nginx of the same round)")
    table.add_column("")
    for arm in arms:
        table.add_column(arm, justify="right")
    for row, words in _WORDS.items():
        cells = told["rows"][row]
        table.add_row(words.format(**told["sizes"]), *(_cell(cells.get(arm)) for arm in arms))
    console.print(table)
    for arm, reason in told["skipped"].items():
        console.print(f"skipped: {arm}: {reason}", markup=False, highlight=False)
    for goal in told["goals"]:
        mark = "met   " if goal["is_met"] else "MISSED"
        words = _WORDS[goal["row"]].format(**told["sizes"])
        console.print(
            f"{mark} {goal['arm']}: {words}: {goal['found']:.2f}, "
            f"at most {goal['at_most']:g} {goal['unit']}",
            markup=False,
            highlight=False,
        )


def _cell(found: dict[str, Any] | None) -> str:
    if found is None:
        return "-"
    ratio = found["to_nginx"]
    return f"{found['median']:.1f}" + ("" if ratio is None else f" ({ratio:.2f})")

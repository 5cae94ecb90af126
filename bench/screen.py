"""The report as people read it in a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table

from bench.scheduling import BARE_HEAP, PREFIX_INDEX, VTC
from bench.simulator import ENGINE, FLEET

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
_CORE_WORDS = {
    "decision_few_tenants_us": "a decision, {few_tenants:,} tenants, us",
    "decision_flat_us": "a decision, {leaves:,} tenants, us",
    "decision_tree_us": "a decision, {leaves:,} in a tree, us",
    "decision_many_tenants_us": "a decision, {many_tenants:,} tenants, us",
    "prefix_match_us": "prefix match, {prefix_blocks:,} blocks, us",
    "idle_tenant_bytes": "an idle tenant, bytes",
}
_SIMULATOR_WORDS = {
    "simulated_day_us": "CPU a simulated request, a million a day, us",
    "simulated_load_us": "CPU a simulated request, at 80 % load, us",
    "simulated_overload_us": "CPU a simulated request, at 120 % load, us",
}
_PRESET_WORDS = {
    "decision_few_tenants_us": "{few_tenants:,} tenants",
    "request_few_tenants_us": "a whole request",
    "decision_few_waiting_us": "{few_waiting:,} waiting",
    "decision_many_waiting_us": "{many_waiting:,} waiting",
}


def show(console: Console, told: dict[str, Any]) -> None:
    """Print the tables and the goals."""
    sizes, rows = told["sizes"], told["rows"]
    arms = list(dict.fromkeys(arm for cells in rows.values() for arm in cells))
    presets = list(rows.get("request_few_tenants_us", ()))
    core = [arm for arm in arms if arm in (BARE_HEAP, VTC, PREFIX_INDEX)]
    simulated = [arm for arm in arms if arm in (ENGINE, FLEET)]
    gateway = [arm for arm in arms if arm not in core + presets + simulated]
    caption = "medians over the rounds; (x {} of the same round)"
    for words, columns, to in (
        (_WORDS, gateway, "nginx"),
        (_CORE_WORDS, core, BARE_HEAP),
        (_SIMULATOR_WORDS, simulated, ENGINE),
    ):
        if not columns:
            continue
        table = Table("", caption=caption.format(to))
        for arm in columns:
            table.add_column(arm, justify="right")
        for row, text in words.items():
            if row in rows:
                cells = (_cell(rows[row].get(arm), to) for arm in columns)
                table.add_row(text.format(**sizes), *cells)
        console.print(table)
    if presets:
        table = Table("a decision, us", caption=caption.format(VTC))
        for text in _PRESET_WORDS.values():
            table.add_column(text.format(**sizes), justify="right")
        for arm in presets:
            table.add_row(arm, *(_cell(rows[row].get(arm), VTC) for row in _PRESET_WORDS))
        console.print(table)
    _show_goals(console, told)


def _show_goals(console: Console, told: dict[str, Any]) -> None:
    words = {
        row: text.format(**told["sizes"])
        for row, text in (_PRESET_WORDS | _CORE_WORDS | _WORDS | _SIMULATOR_WORDS).items()
    }
    for arm, reason in told["skipped"].items():
        console.print(f"skipped: {arm}: {reason}", markup=False, highlight=False)
    for goal in told["goals"]:
        mark = "met   " if goal["is_met"] else "MISSED"
        than = f" at {words[goal['to_row']]}" if goal["to_row"] else ""
        console.print(
            f"{mark} {goal['arm']}: {words[goal['row']]}: {goal['found']:.2f}, "
            f"at most {goal['at_most']:g} {goal['unit']}{than}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _cell(found: dict[str, Any] | None, to: str) -> str:
    if found is None:
        return "-"
    ratio = found[f"to_{to.replace(' ', '_')}"]
    return f"{found['median']:.1f}" + ("" if ratio is None else f" ({ratio:.2f})")

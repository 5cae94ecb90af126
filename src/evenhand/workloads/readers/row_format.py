"""Formats with a row for each request. None is dropped without a word."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from evenhand.model import LaneName
from evenhand.scheduling import Lane
from evenhand.workloads.dials import number, whole, word
from evenhand.workloads.readers.row import BadRow, Row
from evenhand.workloads.readers.tenant_rule import TENANT_DIALS, spread_names, tenant_rule
from evenhand.workloads.readers.tenant_tree import TenantTree
from evenhand.workloads.readers.trace_columns import TraceColumns
from evenhand.workloads.readers.trace_file import Told
from evenhand.workloads.readers.trace_format import DialValues, TraceFormat
from evenhand.workloads.workload import Dial, Workload

Remarks = list[str]
"""What a reader of results must know of how a trace was read."""

Rows = Callable[[Path, DialValues, Told, Remarks], Iterator[tuple[int, Row]]]
"""The rows of a file with their numbers of lines; tells of bad ones, and adds remarks by its end."""

_SHOWN_MAX = 5
_LISTED_MAX = 1000

RATE = Dial(name="rate", meaning="so many times as fast as it was", default=1.0, least=1e-6)
SKIP_BAD = Dial(
    name="skip_bad",
    meaning="1: leave out rows that cannot be read, and list them; 0: refuse the file",
    default=0,
    most=1,
)
_DIALS = (
    Dial(name="requests", meaning="only so many of the first rows; 0: all", default=0),
    RATE,
    *TENANT_DIALS,
    SKIP_BAD,
)
_CLOSED_LOOP = Dial(
    name="closed_loop",
    meaning="1: a row waits for the answers to its parents; 0: it comes when it came",
    default=1,
    most=1,
)


def row_format(
    *,
    name: str,
    summary: str,
    is_json: bool,
    needs: frozenset[str],
    rows: Rows,
    dials: Callable[[Path], tuple[Dial, ...]] = lambda _: (),
    block_tokens: int = 512,
    has_parents: bool = False,
) -> TraceFormat:
    """`dials` are its own, beside those of every such format. `block_tokens`: of the blocks of its
    prompts. `has_parents`: its rows may wait for others."""
    loop = (_CLOSED_LOOP,) if has_parents else ()
    return TraceFormat(
        name=name,
        summary=summary,
        is_json=is_json,
        needs=needs,
        dials=lambda path: (*_DIALS, *loop, *dials(path)),
        read=partial(_read, rows, block_tokens),
    )


def _read(rows: Rows, block_tokens: int, path: Path, values: DialValues, seed: int) -> Workload:
    requests_max = whole(values, "requests")
    rule, tenants = tenant_rule(values, seed), TenantTree()
    is_of_file = not whole(values, "tenants") and word(values, "by") == "file"
    columns = TraceColumns(
        tenants.paths,
        block_tokens=block_tokens,
        rate=number(values, "rate"),
        is_closed_loop=bool(values.get("closed_loop")),
    )
    for name in spread_names(whole(values, "tenants")):
        tenants.number(name, ())
    bad: list[BadRow] = []  # bounded by the file
    remarks: list[str] = []
    for line, row in rows(path, values, bad.append, remarks):
        try:
            tenant = tenants.number(rule(row, line), row.weights if is_of_file else ())
            columns.add(row, tenant)
        except ValueError as error:
            bad.append(BadRow(line, str(error)))
            continue
        if len(columns) == requests_max:
            break
    if bad and not values["skip_bad"]:
        raise ValueError(refusal(path, bad))
    if not len(columns):
        raise ValueError(f"{path.name} has no row that can be read.")
    return Workload(
        name=path.name,
        tenants=tenants.shares(),
        asks=columns,
        size=len(columns),
        is_synthetic=False,
        lanes=_lanes(columns),
        remarks=(*remarks, *_remarks(columns, bad)),
    )


def _lanes(columns: TraceColumns) -> tuple[Lane, ...]:
    """Those that rows name, if any does."""
    names = columns.lanes()
    return () if names == ["default"] else tuple(Lane(name=LaneName(name)) for name in names)


def refusal(path: Path, bad: list[BadRow]) -> str:
    """What to tell about a file with bad rows."""
    first = "; ".join(map(str, bad[:_SHOWN_MAX]))
    more = "; ..." if len(bad) > _SHOWN_MAX else ""
    count = "1 row" if len(bad) == 1 else f"{len(bad):,} rows"
    return (
        f"{path.name}: {count} cannot be read: {first}{more}."
        " Mend them, or leave them out with --set skip_bad=1."
    )


def _remarks(columns: TraceColumns, bad: list[BadRow]) -> list[str]:
    remarks = []
    if not columns.is_sorted:
        remarks.append("The rows were not in order of time; they were sorted.")
    if columns.orphans:
        remarks.append(
            "Rows that name a parent which does not come before them, and do not wait for it:"
            f" {columns.orphans:,}."
        )
    lanes = columns.lanes()
    if len(lanes) > 1:
        order = ", ".join(lanes[:10])
        remarks.append(f"Lanes go before each other in the order in which they appear: {order}.")
    return [*remarks, *told_of_bad(bad)]


def told_of_bad(bad: list[BadRow]) -> list[str]:
    """Remarks on rows that were left out."""
    remarks = []
    if bad:
        remarks.append(f"Rows that cannot be read and were left out: {len(bad):,}.")
        remarks += [f"Left out: {row}." for row in bad[:_LISTED_MAX]]
        if len(bad) > _LISTED_MAX:
            remarks.append(f"Left out: {len(bad) - _LISTED_MAX:,} more.")
    return remarks

"""Reads the rows of a file into a workload. None is dropped without a word."""

from pathlib import Path

from evenhand.model import LaneName
from evenhand.scheduling import Lane
from evenhand.workloads.dials import number, whole, word
from evenhand.workloads.readers.row import BadRow
from evenhand.workloads.readers.tenant_rule import spread_names, tenant_rule
from evenhand.workloads.readers.tenant_tree import TenantTree
from evenhand.workloads.readers.trace_columns import TraceColumns
from evenhand.workloads.readers.trace_format import DialValues, TraceFormat
from evenhand.workloads.workload import Workload

_SHOWN_MAX = 5
_LISTED_MAX = 1000


def read_rows(path: Path, form: TraceFormat, values: DialValues, seed: int) -> Workload:
    """All rows, or the first `requests`. ValueError: some cannot be read and `skip_bad` is 0, or none
    can."""
    requests_max = whole(values, "requests")
    rule, tenants = tenant_rule(values, seed), TenantTree()
    is_of_file = not whole(values, "tenants") and word(values, "by") == "file"
    columns = TraceColumns(
        tenants.paths,
        block_tokens=form.block_tokens,
        rate=number(values, "rate"),
        is_closed_loop=form.has_parents and bool(values["closed_loop"]),
    )
    bad: list[BadRow] = []  # bounded by the file
    remarks: list[str] = []
    for line, row in form.rows(path, values, bad.append, remarks):
        try:
            tenant = tenants.number(rule(row, line), row.weights if is_of_file else ())
            columns.add(row, tenant)
        except ValueError as error:
            bad.append(BadRow(line, str(error)))
            continue
        if len(columns) == requests_max:
            break
    if bad and not values["skip_bad"]:
        raise ValueError(_refusal(path, bad))
    if not len(columns):
        raise ValueError(f"{path.name} has no row that can be read.")
    for name in spread_names(whole(values, "tenants")):
        tenants.number(name, ())
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


def _refusal(path: Path, bad: list[BadRow]) -> str:
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
            f"{columns.orphans:,} rows name a parent that does not come before them;"
            " they do not wait for it."
        )
    lanes = columns.lanes()
    if len(lanes) > 1:
        order = ", ".join(lanes[:10])
        remarks.append(f"Lanes go before each other in the order in which they appear: {order}.")
    if bad:
        remarks.append(f"Left out: {len(bad):,} rows that cannot be read.")
        remarks += [f"Left out: {row}." for row in bad[:_LISTED_MAX]]
        if len(bad) > _LISTED_MAX:
            remarks.append(f"Left out: {len(bad) - _LISTED_MAX:,} more.")
    return remarks

"""ServeGen's clients: distributions of what each asked in windows of time, from which asks are drawn.

A row is a client's window: `model`, `client`, `t_s`, `rate_rps`, `cv`, `pattern` (Gamma or Weibull),
`p1` (its shape), `p2`. The rate is taken as it stands, so that the scale follows from rate and shape. A
window stands for the time up to the next one that was sampled; after the last comes the first again.
Lengths are in `servegen_clients.csv` beside the file, as quantiles of each client.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evenhand.model import TenantPath
from evenhand.workloads.ask import Ask
from evenhand.workloads.dials import number, whole, word
from evenhand.workloads.draws import Floats, stream
from evenhand.workloads.readers.row import BadRow, Row, moment, shown
from evenhand.workloads.readers.row_format import RATE, SKIP_BAD, refusal, told_of_bad
from evenhand.workloads.readers.servegen_lengths import draw_lengths, read_lengths
from evenhand.workloads.readers.tenant_rule import TENANT_DIALS, tenant_rule
from evenhand.workloads.readers.tenant_tree import TenantTree
from evenhand.workloads.readers.trace_file import Columns, csv_rows
from evenhand.workloads.readers.trace_format import DialValues, TraceFormat
from evenhand.workloads.renewals import Gaps, Renewals
from evenhand.workloads.workload import Dial, Redrawn, Workload

_NEEDS = frozenset({"model", "client", "t_s", "rate_rps", "pattern", "p1"})
_STRETCH_REQUESTS = 16_384
_ONLY_WINDOW_S = 3600.0


class _Window(NamedTuple):
    model: str
    client: str
    at_s: float
    per_second: float
    gaps: Gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traffic:
    """`windows` by their beginnings, of clients that are rows of `lengths`, which have `tenants`."""

    seed: int
    requests: int
    rate: float
    windows: dict[float, list[_Window]]
    clients: dict[str, int]
    lengths: Floats
    tenants: list[TenantPath]

    def asks(self) -> Iterator[Ask]:
        return islice(self._endless(), self.requests)

    def _endless(self) -> Iterator[Ask]:
        starts = sorted(self.windows)
        steps = [b - a for a, b in pairwise(starts)]
        steps.append(min(steps, default=_ONLY_WINDOW_S))
        numbers, begin_s = count(), 0.0
        for turn in count():
            for start, step_s in zip(starts, steps, strict=True):
                windows = self.windows[start]
                yield from self._within(windows, begin_s, step_s, f"{turn} {start}", numbers)
                begin_s += step_s

    def _within(
        self,
        windows: list[_Window],
        begin_s: float,
        step_s: float,
        name: str,
        numbers: Iterator[int],
    ) -> Iterator[Ask]:
        """Those of one window of time."""
        rng = stream(self.seed, "servegen", name)
        renewals = Renewals([window.gaps for window in windows], rng)
        clients = np.array([self.clients[window.client] for window in windows])
        stretch_s = _STRETCH_REQUESTS / sum(window.per_second for window in windows)
        end_s = 0.0
        while end_s < step_s:
            end_s = min(end_s + stretch_s, step_s)
            moments, owners = renewals.until(end_s)
            owners = clients[owners]
            inputs = draw_lengths(self.lengths, 0, owners, rng)
            outputs = draw_lengths(self.lengths, 1, owners, rng)
            at_ms = (1000 * (begin_s + moments) / self.rate).tolist()
            for at, owner, given, produced in zip(
                at_ms, owners.tolist(), inputs, outputs, strict=True
            ):
                yield Ask(
                    id=next(numbers),
                    at_ms=at,
                    tenant=self.tenants[owner],
                    input_tokens=given,
                    output_tokens=produced,
                )


def _parser(header: Columns) -> Callable[[Columns], _Window]:
    at = {name: header.index(name) for name in _NEEDS}

    def parse(columns: Columns) -> _Window:
        rate = moment("rate_rps", columns[at["rate_rps"]])
        if not 0 < rate < 1e6:
            raise ValueError(f"rate_rps is {rate:g}, not a rate")
        gaps = _gaps(columns[at["pattern"]], moment("p1", columns[at["p1"]]), rate)
        t_s = moment("t_s", columns[at["t_s"]])
        return _Window(columns[at["model"]], columns[at["client"]], t_s, rate, gaps)

    return parse


def _gaps(pattern: str, shape: float, per_second: float) -> Gaps:
    if not (0.001 if pattern == "Gamma" else 0.01) < shape < 1e4:
        raise ValueError(f"p1 is {shape:g}, not a shape")
    if pattern == "Gamma":
        return Gaps(is_weibull=False, shape=shape, scale_s=1 / (per_second * shape))
    if pattern == "Weibull":
        mean = math.gamma(1 + 1 / shape)
        return Gaps(is_weibull=True, shape=shape, scale_s=1 / (per_second * mean))
    raise ValueError(f"pattern is {shown(pattern)}, not Gamma or Weibull")


def _read(path: Path, values: DialValues, seed: int) -> Workload:
    model = word(values, "model")
    bad: list[BadRow] = []  # bounded by the file
    windows: dict[float, list[_Window]] = {}
    clients: dict[str, int] = {}
    for _, window in csv_rows(path, _NEEDS, _parser, bad.append):
        if window.model == model:
            windows.setdefault(window.at_s, []).append(window)
            clients.setdefault(window.client, len(clients))
    if bad and not values["skip_bad"]:
        raise ValueError(refusal(path, bad))
    lengths, without = read_lengths(path.parent).of([(model, client) for client in clients])
    rule, tree = tenant_rule(values, seed), TenantTree()
    tenants = []
    for client, n in clients.items():
        row = Row(0, 1, 1, tenant=f"client-{client}", session=f"client-{client}")
        tenants.append(tree.paths[tree.number(rule(row, n), ())])
    traffic = _Traffic(
        seed=seed,
        requests=whole(values, "requests"),
        rate=number(values, "rate"),
        windows=windows,
        clients=clients,
        lengths=lengths,
        tenants=tenants,
    )
    remarks = ["Drawn from the measured distributions of each client."]
    if without:
        remarks.append(f"Clients without lengths, which have the median client's: {without}.")
    return Workload(
        name=f"{path.name}, {model}",
        tenants=tree.shares(),
        asks=Redrawn(traffic.asks),
        size=traffic.requests,
        remarks=(*remarks, *told_of_bad(bad)),
    )


def _dials(path: Path) -> tuple[Dial, ...]:
    # Bad rows are told of when the file is read.
    models = {w.model: None for _, w in csv_rows(path, _NEEDS, _parser, lambda _: None)}
    if not models:
        raise ValueError(f"{path.name} has no row that can be read.")
    names = tuple(models)
    return (
        Dial(name="model", meaning="whose clients", default=names[0], words=names),
        Dial(name="requests", meaning="how many are drawn", default=100_000, least=1),
        RATE,
        *TENANT_DIALS,
        SKIP_BAD,
    )


SERVEGEN = TraceFormat(
    name="servegen",
    summary="ServeGen's clients, arrivals and lengths drawn (CSV); a tenant for each client",
    is_json=False,
    needs=_NEEDS,
    dials=_dials,
    read=_read,
)

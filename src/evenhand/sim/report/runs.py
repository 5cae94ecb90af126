"""The page of one simulation: several policies, the same traffic."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from evenhand.sim.exhibit import QUANTILES, REST, Exhibit
from evenhand.sim.measures.figures import RunFigures
from evenhand.sim.report.blocks import Block, Facts, Grid, Legend, Plot, Points, Section, Words
from evenhand.sim.report.clock import Clock, clock_for
from evenhand.sim.report.page import page
from evenhand.sim.report.palette import coloured
from evenhand.sim.report.plots import NAMED_MAX, Line, Span, distributions, frontier, lines, spans
from evenhand.sim.report.tables import of_policies, of_tenants

DRAWN_MAX = 6
"""Policies whose curves are drawn; the tables and the frontier have all."""

_DUE_BESIDE_MAX = 2
"""Policies beside whose curves there is room for what was due."""

_P10, _P50, _P90, _P99 = (QUANTILES.index(part) for part in (0.1, 0.5, 0.9, 0.99))


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What a page tells of. `lines` say it in words, `facts` are what was run."""

    title: str
    lead: str
    lines: Sequence[str]
    remarks: Sequence[str]
    facts: Mapping[str, str]
    exhibits: Mapping[str, Exhibit]
    kv_tokens: int
    """Of all engines together."""


def simulation_page(told: Simulated) -> str:
    """The whole file."""
    return page(told.title, list(_sections(told)), lead=told.lead, over="Evenhand simulation")


def _sections(told: Simulated) -> Iterator[Section]:
    runs = {label: exhibit.figures for label, exhibit in told.exhibits.items()}
    colours = coloured(runs)
    drawn = dict(list(told.exhibits.items())[:DRAWN_MAX])
    clock = clock_for(exhibit.at_s[-1] for exhibit in drawn.values() if exhibit.at_s)
    legend = Legend({label: colours[label] for label in drawn}, _left_out(runs, drawn))
    yield Section(
        title="Who gains, who loses",
        blocks=[
            Points(told.lines, has_leads=True),
            *(Words(remark, is_note=True) for remark in told.remarks),
        ],
    )
    yield Section(title="The policies side by side", blocks=_policies(runs, colours))
    yield Section(title="Service over time", blocks=_service(drawn, colours, clock, legend))
    yield Section(title="Wait for the first token", blocks=_waits(drawn, colours, legend))
    yield Section(title="Fairness over time", blocks=_fairness(drawn, colours, clock, legend))
    yield Section(
        title="Queue and cache over time", blocks=_queue(told, drawn, colours, clock, legend)
    )
    yield Section(title="Every tenant", blocks=of_tenants(runs))
    yield Section(title="What was run", blocks=[Facts(told.facts)])


def _left_out(runs: Mapping[str, RunFigures], drawn: Mapping[str, Exhibit]) -> list[str]:
    more = len(runs) - len(drawn)
    return [f"and {more} more, in the tables alone"] if more else []


def _policies(runs: Mapping[str, RunFigures], colours: Mapping[str, str]) -> list[Block]:
    blocks: list[Block] = [of_policies(runs)]
    points = {
        label: (run.tokens_per_s, run.jain_all_active)
        for label, run in runs.items()
        if run.tokens_per_s is not None and run.jain_all_active is not None
    }
    if len(points) > 1:
        about = "Fairness over throughput; up and to the right is better"
        if len(points) > NAMED_MAX:
            blocks.append(Legend({label: colours[label] for label in points}))
        blocks += [
            Plot(figure=frontier(points, colours), title=about, height=340),
            Words("The dotted line joins the policies that no other beats in both.", is_note=True),
        ]
    return blocks


def _service(
    drawn: Mapping[str, Exhibit], colours: Mapping[str, str], clock: Clock, legend: Legend
) -> list[Block]:
    tenants = dict.fromkeys(name for exhibit in drawn.values() for name in exhibit.curves)
    shows_due = len(drawn) <= _DUE_BESIDE_MAX
    received = [
        _service_of(tenant, drawn, colours, clock, shows_due=shows_due) for tenant in tenants
    ]
    of_tenant = coloured(tenant for tenant in tenants if tenant != REST)
    sums = {label: _ahead(exhibit) for label, exhibit in drawn.items()}
    values = [value for own in sums.values() for curve in own.values() for value in curve]
    span = (min(values, default=0.0) * 1.05, max(values, default=1.0) * 1.05)
    ahead = [
        _ahead_plot(
            label,
            clock.of(drawn[label].at_s),
            own,
            of_tenant,
            x_title=clock.name,
            y_range=span,
        )
        for label, own in sums.items()
    ]
    dotted = " Dotted: what it was due." if shows_due else ""
    return [
        Words(
            "What each tenant received, in weighted tokens per second: input, cached or not, and twice"
            f" the output, spread from a request's first token to its end.{dotted}"
        ),
        legend,
        Grid(plots=received),
        Words(
            "Against the promise: how far each tenant was ahead of what it was due, or behind, in"
            " weighted tokens since the start. What is due is what a fluid server would have given that"
            " gives out as much as all received together, by promised shares, and to nobody more than"
            " it asks for. Near 0 all the time is a promise that is kept."
        ),
        Legend(of_tenant),
        Grid(plots=ahead, width=460),
    ]


def _service_of(
    tenant: str,
    drawn: Mapping[str, Exhibit],
    colours: Mapping[str, str],
    clock: Clock,
    *,
    shows_due: bool,
) -> Plot:
    curves = []
    for label, exhibit in drawn.items():
        if tenant not in exhibit.curves:
            continue
        own, x, colour = exhibit.curves[tenant], clock.of(exhibit.at_s), colours[label]
        if shows_due:
            due = f"{label}, due"
            curves.append(Line(name=due, x=x, y=own.due_per_s, colour=colour, is_dotted=True))
        curves.append(Line(name=label, x=x, y=own.service_per_s, colour=colour))
    figure = lines(curves, x_title=clock.name, y_title="", y_format=",.3~s")
    about = f"Service of {tenant} over time under each policy"
    return Plot(figure=figure, title=tenant, about=about, height=220)


def _ahead(exhibit: Exhibit) -> dict[str, list[float]]:
    """By tenant: service less what was due, since the start."""
    step_s = exhibit.at_s[1] - exhibit.at_s[0] if len(exhibit.at_s) > 1 else 0.0
    found = {}
    for tenant, own in exhibit.curves.items():
        if tenant == REST:
            continue
        pairs = zip(own.service_per_s, own.due_per_s, strict=True)
        found[tenant] = list(accumulate((got - due) * step_s for got, due in pairs))
    return found


def _ahead_plot(
    label: str,
    x: Sequence[float],
    sums: Mapping[str, Sequence[float]],
    colours: Mapping[str, str],
    *,
    x_title: str,
    y_range: tuple[float, float],
) -> Plot:
    curves = [Line(name=name, x=x, y=y, colour=colours[name]) for name, y in sums.items()]
    figure = lines(curves, x_title=x_title, y_title="", y_range=y_range, y_format=",.3~s")
    about = f"How far tenants are ahead or behind under {label}"
    return Plot(figure=figure, title=label, about=about, height=280)


def _waits(drawn: Mapping[str, Exhibit], colours: Mapping[str, str], legend: Legend) -> list[Block]:
    tenants = dict.fromkeys(name for exhibit in drawn.values() for name in exhibit.curves)
    rows, names = [], {}
    for place, tenant in enumerate(tenants):
        names[float(place)] = f"{tenant}  "
        for number, (label, exhibit) in enumerate(drawn.items()):
            own = exhibit.curves.get(tenant)
            if own is None or not own.ttft_s:
                continue
            shift = (number - (len(drawn) - 1) / 2) * 0.7 / len(drawn)
            rows.append(_span(place + shift, f"{tenant}, {label}", own.ttft_s, colours[label]))
    height = 70 + len(tenants) * max(34, 18 * len(drawn))
    curves = {label: exhibit.ttft_s for label, exhibit in drawn.items() if exhibit.ttft_s}
    return [
        legend,
        Plot(
            figure=spans(rows, names),
            title="By tenant: bar from p10 to p90, dot at the median, diamond at p99",
            height=height,
        ),
        Plot(
            figure=distributions(curves, QUANTILES, colours),
            title="All requests: the part that had its first token by then",
            height=300,
        ),
        Words(
            "Of requests that got a token; those that were refused or left before are in the table.",
            is_note=True,
        ),
    ]


def _span(row: float, name: str, ttft_s: Sequence[float], colour: str) -> Span:
    p10, p50, p90, p99 = (ttft_s[place] for place in (_P10, _P50, _P90, _P99))
    return Span(row=row, name=name, p10=p10, p50=p50, p90=p90, p99=p99, colour=colour)


def _fairness(
    drawn: Mapping[str, Exhibit], colours: Mapping[str, str], clock: Clock, legend: Legend
) -> list[Block]:
    curves = [
        Line(name=label, x=clock.of(exhibit.at_s), y=exhibit.jain, colour=colours[label])
        for label, exhibit in drawn.items()
    ]
    figure = lines(curves, x_title=clock.name, y_title="Jain", y_range=(0, 1.03), y_format=".2f")
    return [
        legend,
        Plot(figure=figure, about="Jain index over time under each policy", height=280),
        Words(
            "At each moment, for the twelfth of the run around it: Jain's index of what each tenant"
            " received over what it was due, twice that at most, among those that were due something. 1"
            " is even; a tenant that was due something and got nothing counts.",
            is_note=True,
        ),
    ]


def _queue(
    told: Simulated,
    drawn: Mapping[str, Exhibit],
    colours: Mapping[str, str],
    clock: Clock,
    legend: Legend,
) -> list[Block]:
    def one(title: str, column: str, scale: float, form: str) -> Plot:
        curves = [
            Line(
                name=label,
                x=clock.of(exhibit.series.at_s),
                y=[value / scale for value in getattr(exhibit.series, column)],
                colour=colours[label],
            )
            for label, exhibit in drawn.items()
        ]
        figure = lines(curves, x_title=clock.name, y_title="", y_format=form)
        return Plot(figure=figure, title=title, height=240)

    return [
        legend,
        Grid(
            plots=[
                one("Requests that wait", "waiting", 1, ",.3~s"),
                one("Requests in engines", "running", 1, ",.3~s"),
                one("Cache in use by them", "kv_tokens", told.kv_tokens, ".0%"),
            ]
        ),
    ]

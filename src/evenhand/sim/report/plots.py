"""Figures of plotly in the house's style: bare, light or dark as the page is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from evenhand.sim.report.forms import duration
from evenhand.sim.report.palette import GREY, see_through

_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif'
_CLEAR = "rgba(0,0,0,0)"
NAMED_MAX = 4
"""Points that have room for their names."""
_LABEL_HEIGHT = 0.05
"""Of the text beside a point, on the scale of Jain's index."""
_FEW_POWERS = 300
LEAST_S = 1e-3
"""Waits below are drawn as so long, on a scale of ratios."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A curve. `is_dotted`: what was promised beside what was received."""

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    colour: str
    is_dotted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A distribution as a bar from the tenth to the ninetieth percentile."""

    row: float
    name: str
    p10: float
    p50: float
    p90: float
    p99: float
    colour: str


def lines(
    curves: Sequence[Line],
    *,
    x_title: str,
    y_title: str,
    y_range: tuple[float, float] | None = None,
    y_format: str = "",
) -> Any:
    """Curves over time."""
    figure = _figure(x_title, y_title)
    for curve in curves:
        dash = {"dash": "dot", "width": 1.5} if curve.is_dotted else {"width": 2}
        colour = see_through(curve.colour, 0.75) if curve.is_dotted else curve.colour
        figure.add_trace(
            go.Scatter(
                x=list(curve.x),
                y=list(curve.y),
                name=curve.name,
                mode="lines",
                line={"color": colour, **dash},
                connectgaps=False,
            )
        )
    figure.update_yaxes(rangemode="tozero", tickformat=y_format)
    if y_range is not None:
        figure.update_yaxes(range=list(y_range))
    return figure


def distributions(
    curves: Mapping[str, Sequence[float]], parts: Sequence[float], colours: Any
) -> Any:
    """Which part of the requests had waited so long at most."""
    figure = _figure("wait for the first token", "part of the requests")
    for name, waits_s in curves.items():
        figure.add_trace(
            go.Scatter(
                x=[max(wait_s, LEAST_S) for wait_s in waits_s],
                y=list(parts),
                name=name,
                mode="lines",
                line={"color": colours[name], "width": 2},
            )
        )
    _ratio_scale(figure, [wait_s for waits_s in curves.values() for wait_s in waits_s])
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return figure


def spans(rows: Sequence[Span], names: Mapping[float, str]) -> Any:
    """A bar for each, from the tenth percentile to the ninetieth, with the median and the 99th."""
    figure = _figure("wait for the first token", "")
    for row in rows:
        marks = {"p10": row.p10, "p50": row.p50, "p90": row.p90, "p99": row.p99}
        told = ", ".join(f"{mark} {duration(value)}" for mark, value in marks.items())
        text = f"{row.name}: {told}"
        low, middle, high, top = (max(v, LEAST_S) for v in (row.p10, row.p50, row.p90, row.p99))
        hover = {"hovertext": text, "hoverinfo": "text"}
        bar = {"color": see_through(row.colour, 0.45), "width": 9}
        thin = {"color": see_through(row.colour, 0.8), "width": 1.5}
        for x, line in (([low, high], bar), ([high, top], thin)):
            figure.add_trace(go.Scatter(x=x, y=[row.row] * 2, mode="lines", line=line, **hover))
        figure.add_trace(
            go.Scatter(
                x=[middle, top],
                y=[row.row] * 2,
                mode="markers",
                marker={"color": row.colour, "size": [9, 5], "symbol": ["circle", "diamond"]},
                **hover,
            )
        )
    _ratio_scale(figure, [wait_s for row in rows for wait_s in (row.p10, row.p99)])
    figure.update_yaxes(
        tickvals=list(names), ticktext=list(names.values()), autorange="reversed", showgrid=False
    )
    figure.update_layout(hovermode="closest", margin_l=10)
    return figure


def frontier(points: Mapping[str, tuple[float, float]], colours: Mapping[str, str]) -> Any:
    """Throughput and fairness of each policy; a line joins those that none other beats in both. Where
    there are many, no names stand beside them: they would overlap, and a legend is needed."""
    figure = _figure("tokens per second", "fairness (Jain, all active)")
    best = unbeaten(points)
    figure.add_trace(
        go.Scatter(
            x=[points[name][0] for name in best],
            y=[points[name][1] for name in best],
            mode="lines",
            line={"color": see_through(GREY, 0.7), "width": 1.5, "dash": "dot"},
            hoverinfo="skip",
        )
    )
    low, high = (of(x for x, _ in points.values()) for of in (min, max))
    pad = max((high - low) * 0.15, high * 0.02)
    is_named = len(points) <= NAMED_MAX
    for names in _together(points, pad):
        is_right = points[names[0]][0] > (low + high) / 2
        figure.add_trace(
            go.Scatter(
                x=[points[name][0] for name in names],
                y=[points[name][1] for name in names],
                mode="markers+text",
                text=[f"  {', '.join(names)}  " if is_named else "", *("" for _ in names[1:])],
                textposition="middle left" if is_right else "middle right",
                marker={"color": [colours[name] for name in names], "size": 12},
                customdata=names,
                hovertemplate="%{customdata}: %{x:,.0f} tokens/s, Jain %{y:.3f}<extra></extra>",
            )
        )
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(tickformat=",.0f", range=[low - pad, high + pad])
    least = min(y for _, y in points.values())
    figure.update_yaxes(tickformat=".2f", range=[max(least - 0.15, 0), 1.02])
    return figure


def _together(points: Mapping[str, tuple[float, float]], pad: float) -> list[list[str]]:
    """Names of points that lie so near each other that their labels would overlap."""
    groups: list[list[str]] = []
    for name, (x, y) in sorted(points.items(), key=lambda point: point[1]):
        for group in groups:
            near_x, near_y = points[group[0]]
            if abs(x - near_x) < pad / 2 and abs(y - near_y) < _LABEL_HEIGHT:
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


def unbeaten(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Those for which no other has at least as much of both and more of one; the slowest first."""

    def is_beaten(x: float, y: float) -> bool:
        return any(
            other_x >= x and other_y >= y and (other_x, other_y) != (x, y)
            for other_x, other_y in points.values()
        )

    best = [name for name, (x, y) in points.items() if not is_beaten(x, y)]
    return sorted(best, key=lambda name: points[name])


def _ratio_scale(figure: Any, waits_s: Sequence[float]) -> None:
    """A scale of ratios, with a mark at each power of ten, or more where there are few."""
    low, high = min(waits_s, default=1.0), max(waits_s, default=1.0)
    steps = (1, 2, 5) if high < max(low, LEAST_S) * _FEW_POWERS else (1,)
    marks_s = [step * 10.0**power for power in range(-3, 8) for step in steps]
    figure.update_xaxes(type="log", tickvals=marks_s, ticktext=[_mark(mark) for mark in marks_s])


def _mark(seconds: float) -> str:
    return (
        f"{seconds * 1000:.0f} ms" if seconds < 0.1 else f"{seconds:,.1f}".removesuffix(".0") + " s"
    )


def _figure(x_title: str, y_title: str) -> Any:
    axis = {"zeroline": False, "showline": False, "ticks": "", "automargin": True}
    small = {"standoff": 8, "font": {"size": 12}}
    return go.Figure(
        layout={
            "template": go.layout.Template(),
            "paper_bgcolor": _CLEAR,
            "plot_bgcolor": _CLEAR,
            "font": {"family": _FONT, "size": 12, "color": "#5c6475"},
            "margin": {"l": 10, "r": 16, "t": 12, "b": 10},
            "showlegend": False,
            "hovermode": "x unified",
            "xaxis": {**axis, "title": {"text": x_title, **small}, "gridcolor": "#e9e8e3"},
            "yaxis": {**axis, "title": {"text": y_title, **small}, "gridcolor": "#e9e8e3"},
        }
    )

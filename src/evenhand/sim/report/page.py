"""One file of HTML that needs nothing but a browser: styles, script and plotly are inside.

A policy in its head forbids the browser to load anything from anywhere, so that it works offline and
tells nobody that it is read.
"""

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files

import plotly.io
from plotly.offline import get_plotlyjs

from evenhand.sim.report.blocks import (
    Block,
    Facts,
    Grid,
    Legend,
    Plot,
    Points,
    Section,
    Shown,
    Table,
    Words,
)

_ROOM = files("evenhand.sim.report")
_ONLY_WHAT_IS_HERE = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
_SEARCHED_ROWS_MIN = 25


def page(title: str, sections: Sequence[Section], *, lead: str = "", over: str = "Evenhand") -> str:
    """The whole file. `over` stands over the title, `lead` under it. Equal inputs, equal text."""
    writer = _Writer()
    body = "".join(writer.section(section) for section in sections)
    has_plots = bool(writer.figures)
    scripts = [_text("page.js")]
    if has_plots:
        scripts = [get_plotlyjs(), f"const PLOTS = [{','.join(writer.figures)}];", *scripts]
    return "".join(
        (
            "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n",
            f'<meta http-equiv=Content-Security-Policy content="{_ONLY_WHAT_IS_HERE}">\n',
            '<meta name=viewport content="width=device-width, initial-scale=1">\n',
            '<meta name=color-scheme content="light dark">\n',
            f"<title>{escape(title)}</title>\n<style>{_text('page.css')}</style></head>\n<body>\n",
            f"<header><p class=over>{escape(over)}</p><h1>{escape(title)}</h1>",
            f"<p class=lead>{escape(lead)}</p></header>\n<main>\n{body}</main>\n",
            *(f"<script>{script}</script>\n" for script in scripts),
            "</body></html>\n",
        )
    )


class _Writer:
    """Writes blocks, and collects the plots that the script at the end draws."""

    def __init__(self) -> None:
        self.figures: list[str] = []

    def section(self, section: Section) -> str:
        blocks = "\n".join(self._block(block) for block in section.blocks)
        return f"<section><h2>{escape(section.title)}</h2>\n{blocks}\n</section>\n"

    def _block(self, block: Block) -> str:  # noqa: PLR0911 - one for each kind
        match block:
            case Words(text, is_note):
                return f"<p{' class=note' if is_note else ''}>{escape(text)}</p>"
            case Points(lines, has_leads):
                return f"<ul>{''.join(_point(line, has_lead=has_leads) for line in lines)}</ul>"
            case Table():
                return "".join(_table(block))
            case Plot():
                return self._plot(block)
            case Grid(plots=plots, width=width):
                inside = "".join(self._plot(plot) for plot in plots)
                return f'<div class=grid style="--least:{width}px">{inside}</div>'
            case Legend():
                return "".join(_legend(block))
            case Facts(pairs):
                rows = (f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in pairs.items())
                return f"<dl>{''.join(rows)}</dl>"

    def _plot(self, plot: Plot) -> str:
        number = len(self.figures)
        # Tenants may be called </script>: plotly writes < and / as escapes.
        self.figures.append(plotly.io.to_json(plot.figure, validate=False, engine="json"))
        title = f"<figcaption>{escape(plot.title)}</figcaption>" if plot.title else ""
        return (
            f"<figure>{title}<div class=plot id=plot-{number} role=img"
            f' aria-label="{escape(plot.about or plot.title)}"'
            f' style="height:{plot.height}px"></div></figure>'
        )


def _point(line: str, *, has_lead: bool) -> str:
    lead, colon, rest = line.partition(": ")
    if has_lead and colon:
        return f"<li><b>{escape(lead)}:</b> {escape(rest)}</li>"
    return f"<li>{escape(line)}</li>"


def _table(table: Table) -> Iterator[str]:
    classes = "table sortable" if table.can_sort else "table"
    yield f'<div class="{classes}">'
    if table.can_sort and len(table.rows) >= _SEARCHED_ROWS_MIN:
        yield "<input type=search placeholder=Search aria-label=Search>"
    kind = "prose" if table.is_prose else "scroll"
    yield f"<div class={kind}><table><thead><tr>"
    for column in table.columns:
        classes = " class=number" if column.is_number else ""
        hint = f' title="{escape(column.hint)}"' if column.hint else ""
        yield f"<th{classes}{hint} scope=col>{escape(column.title)}</th>"
    yield "</tr></thead><tbody>"
    for row in table.rows:
        yield "<tr>"
        for column, cell in zip(table.columns, row, strict=True):
            yield _cell(cell, is_number=column.is_number)
        yield "</tr>\n"
    yield "</tbody></table></div></div>"


def _cell(cell: Shown, *, is_number: bool) -> str:
    names = [*(["number"] if is_number else []), *([cell.tone] if cell.tone else [])]
    classes = f' class="{" ".join(names)}"' if names else ""
    value = "" if cell.value is None else f' data-value="{escape(str(cell.value))}"'
    return f"<td{classes}{value}>{escape(cell.text)}</td>"


def _legend(legend: Legend) -> Iterator[str]:
    yield "<p class=legend>"
    for name, colour in legend.colours.items():
        yield f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
    for note in legend.notes:
        yield f"<span class=note>{escape(note)}</span>"
    yield "</p>"


def _text(name: str) -> str:
    return (_ROOM / name).read_text(encoding="utf-8")

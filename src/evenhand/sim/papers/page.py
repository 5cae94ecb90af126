"""A result as a page of HTML: the published figures beside ours, then plots and tables."""

from collections import Counter
from collections.abc import Iterator

from evenhand.sim.papers.result import PaperFigure, PaperResult, PaperRow, PaperTable
from evenhand.sim.papers.verdict import Verdict
from evenhand.sim.report.blocks import (
    Block,
    Column,
    Facts,
    Legend,
    Plot,
    Points,
    Section,
    Shown,
    Table,
    Words,
)
from evenhand.sim.report.page import page
from evenhand.sim.report.palette import coloured
from evenhand.sim.report.plots import Line, lines

_TONES = {Verdict.REPRODUCED: "good", Verdict.MISSED: "bad", Verdict.UNCHECKED: "quiet"}


def paper_page(result: PaperResult) -> str:
    """The whole file."""
    form = ", quick form" if result.quick else ""
    lead = f"{result.source}{form}. Run again: {result.command}"
    return page(result.title, list(_sections(result)), lead=lead, over="Evenhand evidence")


def _sections(result: PaperResult) -> Iterator[Section]:
    counts = Counter(row.verdict for row in result.rows)
    verdicts = {str(verdict): str(counts[verdict]) for verdict in Verdict if counts[verdict]}
    yield Section(title="Verdicts", blocks=[Facts(verdicts), Points(result.setting)])
    notes = [f"{row.what}: {row.note}" for row in result.rows if row.note]
    blocks: list[Block] = [_claims(result.rows)]
    if notes:
        blocks.append(Points(notes))
    yield Section(title="Published and ours", blocks=blocks)
    for figure in result.figures:
        yield Section(title=figure.title, blocks=_figure(figure))
    for table in result.tables:
        yield Section(title=table.title, blocks=_table(table))


def _claims(rows: tuple[PaperRow, ...]) -> Table:
    columns = ("what", "published", "ours", "verdict", "counts as reproduced", "source")
    cells = [
        (
            Shown(row.what),
            Shown(row.published),
            Shown(row.ours_text, row.ours),
            Shown(row.verdict, tone=_TONES.get(row.verdict, "strong")),
            Shown(row.tolerance, tone="quiet"),
            Shown(row.source, tone="quiet"),
        )
        for row in rows
    ]
    return Table(
        columns=[Column(title=title, is_number=title == "ours") for title in columns],
        rows=cells,
        is_prose=True,
    )


def _figure(figure: PaperFigure) -> list[Block]:
    colours = coloured(line.name for line in figure.lines)
    drawn = lines(
        [Line(name=a.name, x=a.x, y=a.y, colour=colours[a.name]) for a in figure.lines],
        x_title=figure.x,
        y_title=figure.y,
    )
    for trace, line in zip(drawn.data, figure.lines, strict=True):
        mode = "lines+markers+text" if line.labels else "lines+markers"
        trace.update(mode=mode, text=list(line.labels), textposition="top center")
    about = f"{figure.y} over {figure.x}"
    blocks: list[Block] = [Legend(colours), Plot(figure=drawn, about=about, height=420)]
    if figure.note:
        blocks.append(Words(figure.note, is_note=True))
    return blocks


def _table(table: PaperTable) -> list[Block]:
    columns = [Column(title=title, is_number=n > 0) for n, title in enumerate(table.columns)]
    rows = [[Shown(cell) for cell in row] for row in table.rows]
    blocks: list[Block] = [Table(columns=columns, rows=rows)]
    if table.note:
        blocks.append(Words(table.note, is_note=True))
    return blocks

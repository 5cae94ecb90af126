"""A result as a section of a Markdown page."""

from collections.abc import Iterable, Sequence

from evenhand.sim.papers.result import PaperResult, PaperTable

_COLUMNS = ("what", "published", "ours", "counts as reproduced", "verdict")


def section(result: PaperResult) -> str:
    """With a heading of the second level, and the command behind it."""
    parts = [
        f"## {result.title}",
        f"{result.source}. Run again: `{result.command}`.",
        "\n".join(f"- {fact}" for fact in result.setting),
        _claims(result),
        *(_table(table) for table in result.tables),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _claims(result: PaperResult) -> str:
    rows = []
    for row in result.rows:
        what = f"{row.what}. *{row.note}*" if row.note else row.what
        published = f"{row.published} ({row.source})"
        rows.append((what, published, row.ours_text, row.tolerance, f"**{row.verdict}**"))
    return _grid(_COLUMNS, rows)


def _table(table: PaperTable) -> str:
    parts = (f"### {table.title}", _grid(table.columns, table.rows), table.note)
    return "\n\n".join(part for part in parts if part)


def _grid(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_line(columns), "|" + "---|" * len(columns), *(_line(row) for row in rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"

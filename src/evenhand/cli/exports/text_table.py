"""A table for people: as wide as its figures need, nothing cut, nothing taken for markup."""

import io
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_UNBOUNDED = 10_000
"""Characters: wider than any table."""


def aligned(texts: list[str]) -> list[str]:
    """Exact decimal numbers with as many decimals each as the longest has, thousands apart."""
    decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
    return [_padded(text, decimals) for text in texts]


def _padded(text: str, decimals: int) -> str:
    sign = "-" if text.startswith("-") else ""
    whole, _, rest = text.removeprefix("-").partition(".")
    point = "." if decimals else ""
    return f"{sign}{int(whole):,}{point}{rest.ljust(decimals, '0')}"


def text_table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, names: int, has_sum: bool = False
) -> str:
    """The first `names` columns are words and stand left, the others figures. `has_sum`: the last row
    stands apart."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for number, head in enumerate(heads):
        is_word = number < names
        table.add_column(
            head, no_wrap=True, vertical="bottom", justify="left" if is_word else "right"
        )
    for number, row in enumerate(rows):
        if has_sum and number == len(rows) - 1:
            table.add_section()
        table.add_row(*map(Text, row))
    stream = io.StringIO()
    Console(width=_UNBOUNDED, file=stream).print(table)
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())

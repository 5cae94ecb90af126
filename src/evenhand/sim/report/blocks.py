"""What a page is put together from: words, lists, tables, plots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph. Plain text."""

    text: str
    is_note: bool = False
    """Said in passing, in smaller type."""


@dataclass(frozen=True, slots=True)
class Points:
    """A list of sentences. `has_leads`: the words before the first colon and blank say of whom."""

    lines: Sequence[str]
    has_leads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Of a table. `hint` explains it where a mouse rests on it."""

    title: str
    is_number: bool = True
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell: its text, and the value that it is sorted by."""

    text: str
    value: Cell = None
    tone: str = ""
    """`good`, `bad`, `strong` or `quiet`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells. `can_sort` by a click on a head, and can be searched where it is long. `is_prose`:
    cells are sentences, which wrap."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Shown]]
    can_sort: bool = False
    is_prose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A figure of plotly. `about` is for who cannot see it."""

    figure: Any
    title: str = ""
    about: str = ""
    height: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Plots side by side, as many as fit at that width."""

    plots: Sequence[Plot]
    width: int = 340


@dataclass(frozen=True, slots=True)
class Legend:
    """Colours and what they stand for."""

    colours: Mapping[str, str]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values."""

    pairs: Mapping[str, str]


Block = Words | Points | Table | Plot | Grid | Legend | Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a page, under its title."""

    title: str
    blocks: Sequence[Block] = field(default=())

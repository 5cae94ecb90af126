"""What comes out of running a paper's experiments again; a document as well as a value."""

from pydantic import BaseModel, ConfigDict

from evenhand.sim.papers.verdict import Verdict


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PaperRow(_Part):
    """One published figure beside ours."""

    key: str
    what: str
    published: str
    source: str
    ours: float | None
    ours_text: str
    tolerance: str
    """Which values of ours count as reproduced, and which as the same direction."""
    verdict: Verdict
    note: str = ""


class PaperTable(_Part):
    """Figures as they are, without a verdict. All rows are as long as `columns`."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


class PaperLine(_Part):
    """Points of one figure, in the order in which they are joined; `labels` of the points, or none."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    labels: tuple[str, ...] = ()


class PaperFigure(_Part):
    """A plot: lines over named axes."""

    title: str
    x: str
    y: str
    lines: tuple[PaperLine, ...]
    note: str = ""


class PaperResult(_Part):
    """All of it. `setting` says what ran on what, one fact each; `command` what to type to have it
    again."""

    paper: str
    title: str
    source: str
    command: str
    quick: bool
    setting: tuple[str, ...]
    rows: tuple[PaperRow, ...]
    tables: tuple[PaperTable, ...] = ()
    figures: tuple[PaperFigure, ...] = ()

    def verdicts(self) -> dict[str, Verdict]:
        """By the keys of the rows."""
        return {row.key: row.verdict for row in self.rows}

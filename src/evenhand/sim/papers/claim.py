"""What is held against a paper: a published figure and what of ours would count as the same.

Claims are data, written before the runs; only a run gives them a value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from evenhand.sim.papers.interval import Interval
from evenhand.sim.papers.result import PaperRow
from evenhand.sim.papers.verdict import Verdict


class Measured(NamedTuple):
    """Ours: the value that is compared, None where there is none; how it is written, if not by the
    claim's form. `worst` of several values that the figure sums up: the direction is asked of it.
    `remark` is what was found out."""

    value: float | None
    text: str = ""
    worst: float | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """`key` is unique in its paper. `published` is the figure in the paper's words, `source` where it
    stands. Ours in `reproduced`: reproduced; else in `direction`: direction only; else missed. `judged`
    is a verdict that stands before any run, and `note` then says why."""

    key: str
    what: str
    published: str
    source: str
    reproduced: Interval | None = None
    direction: Interval | None = None
    judged: Verdict | None = None
    note: str = ""
    form: str = "{:.2f}"
    """How our value is written."""

    def __post_init__(self) -> None:
        assert (self.reproduced is None) == (self.judged is not None), self.key
        assert self.judged is None or self.note, self.key

    def row(self, ours: Measured) -> PaperRow:
        """With our value."""
        text = ours.text or ("" if ours.value is None else self.form.format(ours.value))
        return PaperRow(
            key=self.key,
            what=self.what,
            published=self.published,
            source=self.source,
            ours=ours.value,
            ours_text=text,
            tolerance=self._tolerance(),
            verdict=self._verdict(ours),
            note=" ".join(text for text in (self.note, ours.remark) if text),
        )

    def _verdict(self, ours: Measured) -> Verdict:
        if self.judged is not None:
            return self.judged
        assert self.reproduced is not None
        if ours.value is None:
            return Verdict.UNCHECKED
        worst = ours.value if ours.worst is None else ours.worst
        is_so_directed = self.direction is None or self.direction.holds(worst)
        if is_so_directed and self.reproduced.holds(ours.value):
            return Verdict.REPRODUCED
        is_direction = self.direction is not None and is_so_directed
        return Verdict.DIRECTION if is_direction else Verdict.MISSED

    def _tolerance(self) -> str:
        if self.reproduced is None:
            return ""
        if self.direction is None:
            return str(self.reproduced)
        return f"{self.reproduced}; direction: {self.direction}"


def judged_rows(
    claims: Iterable[Claim], ours: Mapping[str, Measured | float | None]
) -> list[PaperRow]:
    """A row for each claim that the run has a value for, or that needs none; by their keys."""
    claims = list(claims)
    unknown = set(ours) - {claim.key for claim in claims}
    assert not unknown, unknown
    return [
        claim.row(_measured(ours.get(claim.key)))
        for claim in claims
        if claim.key in ours or claim.judged is not None
    ]


def _measured(ours: Measured | float | None) -> Measured:
    return ours if isinstance(ours, Measured) else Measured(ours)

"""What is held against a paper: a published figure and what of ours would count as the same.

Claims are data, written before the runs; only a run gives them a value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evenhand.sim.papers.interval import Interval
from evenhand.sim.papers.result import PaperRow
from evenhand.sim.papers.verdict import Verdict


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

    def row(self, ours: float | None, remark: str = "") -> PaperRow:
        """With our value; None: the run had none. `remark` is what was found out about it."""
        return PaperRow(
            key=self.key,
            what=self.what,
            published=self.published,
            source=self.source,
            ours=ours,
            ours_text="" if ours is None else self.form.format(ours),
            tolerance=self._tolerance(),
            verdict=self._verdict(ours),
            note=" ".join(text for text in (self.note, remark) if text),
        )

    def _verdict(self, ours: float | None) -> Verdict:
        if self.judged is not None:
            return self.judged
        assert self.reproduced is not None
        if ours is None:
            return Verdict.UNCHECKED
        if self.reproduced.holds(ours):
            return Verdict.REPRODUCED
        if self.direction is not None and self.direction.holds(ours):
            return Verdict.DIRECTION
        return Verdict.MISSED

    def _tolerance(self) -> str:
        if self.reproduced is None:
            return ""
        if self.direction is None:
            return str(self.reproduced)
        return f"{self.reproduced}; direction: {self.direction}"


def judged_rows(
    claims: Iterable[Claim],
    ours: Mapping[str, float | None],
    remarks: Mapping[str, str] | None = None,
) -> list[PaperRow]:
    """A row for each claim that the run has a value for, or that needs none; by their keys."""
    claims, remarks = list(claims), remarks or {}
    unknown = {*ours, *remarks} - {claim.key for claim in claims}
    assert not unknown, unknown
    return [
        claim.row(ours.get(claim.key), remarks.get(claim.key, ""))
        for claim in claims
        if claim.key in ours or claim.judged is not None
    ]

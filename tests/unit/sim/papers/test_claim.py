"""A claim is judged by intervals that were fixed before the run."""

import pytest

from evenhand.sim.papers.claim import Claim, Measured, judged_rows
from evenhand.sim.papers.interval import about, at_least, at_most, near
from evenhand.sim.papers.markdown import section
from evenhand.sim.papers.result import PaperResult
from evenhand.sim.papers.verdict import Verdict

TWICE = Claim(
    key="twice",
    what="twice as fast",
    published="2.1",
    source="Figure 1",
    reproduced=about(2.1, part=0.1),
    direction=at_least(1.05),
)
NEVER = Claim(
    key="never",
    what="endless",
    published="7",
    source="abstract",
    judged=Verdict.DOUBTFUL,
    note="It is a slip.",
)


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        (2.0, Verdict.REPRODUCED),
        (1.2, Verdict.DIRECTION),
        (3.5, Verdict.DIRECTION),
        (1.0, Verdict.MISSED),
        (None, Verdict.UNCHECKED),
    ],
)
def test_the_value_decides_the_verdict(ours: float | None, verdict: Verdict) -> None:
    assert TWICE.row(Measured(ours)).verdict is verdict


def test_a_figure_that_cannot_be_right_stays_so_whatever_we_measure() -> None:
    assert NEVER.row(Measured(7.0)).verdict is Verdict.DOUBTFUL
    assert NEVER.row(Measured(None, remark="Nor here.")).note == "It is a slip. Nor here."


def test_one_of_several_in_the_wrong_direction_spoils_it() -> None:
    assert TWICE.row(Measured(2.0, worst=1.5)).verdict is Verdict.REPRODUCED
    assert TWICE.row(Measured(2.0, worst=0.9)).verdict is Verdict.MISSED


def test_rows_come_for_what_was_measured_and_for_what_needs_no_measuring() -> None:
    assert [row.key for row in judged_rows([TWICE, NEVER], {})] == ["never"]
    rows = judged_rows([TWICE, NEVER], {"twice": 2.0})
    assert [row.key for row in rows] == ["twice", "never"]


def test_a_value_for_no_claim_is_a_mistake() -> None:
    with pytest.raises(AssertionError):
        judged_rows([TWICE], {"thrice": 3.0})


def test_intervals_say_what_they_hold() -> None:
    texts = [str(interval) for interval in (near(0.5, by=0.1), at_least(2), at_most(3))]
    assert texts == ["0.4 to 0.6", "at least 2", "at most 3"]


def test_a_result_survives_as_a_document_and_becomes_a_section() -> None:
    result = PaperResult(
        paper="p",
        title="P",
        source="arXiv",
        command="evenhand paper p",
        quick=True,
        setting=("one engine",),
        rows=tuple(judged_rows([TWICE, NEVER], {"twice": 1.5})),
    )
    assert PaperResult.model_validate_json(result.model_dump_json()) == result
    assert "| **direction only** |" in section(result)
    assert result.verdicts() == {"twice": Verdict.DIRECTION, "never": Verdict.DOUBTFUL}

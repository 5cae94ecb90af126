"""The papers' experiments in their quick form: what must hold of them whatever the seed."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from evenhand.cli.paper.evidence_page import kept_result
from evenhand.sim.papers.built_in import PAPERS
from evenhand.sim.papers.paper import Order
from evenhand.sim.papers.verdict import Verdict

ROOT = Path(__file__).parent.parent.parent
GOOD = (Verdict.REPRODUCED, Verdict.DIRECTION)
REPRODUCED = {
    "fairserve": {
        "day throttled ratio",
        "day wasted",
        "day answered",
        "day served users",
        "day throughput files",
        "long throttled ratio",
        "long wasted",
        "long within",
        "long throughput",
    },
    "dlpm": {"one qa s2", "one judge s1", "one tree s1 jain lpm"},
}
"""In both forms."""
DIRECTIONS = {
    "fairserve": {"day wasted rpm", "day rpm 50", "day ttft rpm", "long served"},
    "dlpm": {
        "one qa s1",
        "one tree s1",
        "small cache victims",
        *(f"several qa {pattern} service vtc" for pattern in ("s1", "s2")),
        *(
            f"several qa {pattern} jain {other}"
            for pattern in ("s1", "s2")
            for other in ("lpm", "preble")
        ),
        *(f"several qa {pattern} p50 lpm" for pattern in ("s1", "s2")),
        "several tree s1 service vtc",
        "several tree s1 jain lpm",
        "several tree s1 jain preble",
        "several tree s1 p50 lpm",
        "several judge s1 service vtc",
        "several judge s1 p50 lpm",
    },
}
"""At least these, in both forms."""


def wrong(name: str, verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """Verdicts that are not what they must be."""
    return {
        key: verdicts[key]
        for keys, accepted in ((REPRODUCED[name], GOOD[:1]), (DIRECTIONS[name], GOOD))
        for key in sorted(keys)
        if verdicts[key] not in accepted
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", REPRODUCED)
def test_the_hard_figures_and_directions_hold_in_little(name: str) -> None:
    assert wrong(name, PAPERS[name].run(Order(quick=True)).verdicts()) == {}


@pytest.mark.parametrize("name", REPRODUCED)
def test_the_page_claims_what_the_quick_form_shows(name: str) -> None:
    """If the code comes to give something else, the quick form does, and the kept result is stale."""
    kept = kept_result(ROOT, name)
    assert kept is not None, "make paper writes it"
    assert wrong(name, kept.verdicts()) == {}

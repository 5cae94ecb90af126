"""`evenhand paper` says what a paper says, what we get, and how it fared."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evenhand.cli.main import app
from evenhand.cli.paper.evidence_page import PAGE, evidence_text, kept_result
from evenhand.sim.papers.built_in import PAPERS
from evenhand.sim.papers.claim import Claim, judged_rows
from evenhand.sim.papers.interval import about, at_least
from evenhand.sim.papers.paper import NoDataError, Order, Paper
from evenhand.sim.papers.result import PaperResult, PaperTable
from evenhand.sim.papers.verdict import Verdict

ROOT = Path(__file__).parent.parent.parent.parent
CLAIMS = (
    Claim(
        key="twice",
        what="twice as fast",
        published="2.1",
        source="Figure 1",
        reproduced=about(2.1, part=0.1),
        direction=at_least(1.0),
    ),
    Claim(
        key="slip",
        what="seven times lower",
        published="7.18",
        source="abstract",
        judged=Verdict.DOUBTFUL,
        note="One point was plotted twice.",
    ),
)


def run_tiny(order: Order) -> PaperResult:
    order.progress(1, 1, "the only run")
    return PaperResult(
        paper="tiny",
        title="A tiny paper",
        source="arXiv 0000.00000",
        command="evenhand paper tiny",
        quick=order.quick,
        setting=("One engine.",),
        rows=tuple(judged_rows(CLAIMS, {"twice": 1.4})),
        tables=(PaperTable(title="Runs", columns=("policy", "Jain"), rows=(("vtc", "0.97"),)),),
    )


def run_without_data(order: Order) -> PaperResult:
    raise NoDataError("Name the folder with the measured runs: --data FOLDER.")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = Paper(name="tiny", title="A tiny paper", source="arXiv", claims=CLAIMS, run=run_tiny)
    monkeypatch.setitem(PAPERS, "tiny", paper)


@pytest.mark.usefixtures("tiny")
def test_a_row_for_each_claim_with_its_verdict_and_the_reasons_below() -> None:
    told = CliRunner().invoke(app, ["paper", "tiny", "--quick"])
    assert told.exit_code == 0
    words = re.sub(r"\s+", " ", told.stdout)
    assert "A tiny paper (arXiv 0000.00000, quick form)" in words
    assert "direction only" in words
    assert "[1] One point was plotted twice." in words
    assert "vtc" in words


@pytest.mark.usefixtures("tiny")
def test_the_result_is_written_as_a_document(tmp_path: Path) -> None:
    file = tmp_path / "tiny.json"
    assert CliRunner().invoke(app, ["paper", "tiny", "--json", str(file)]).exit_code == 0
    result = PaperResult.model_validate_json(file.read_text())
    assert result.verdicts() == {"twice": Verdict.DIRECTION, "slip": Verdict.DOUBTFUL}


@pytest.mark.usefixtures("tiny")
def test_the_page_needs_nothing_but_a_browser(tmp_path: Path) -> None:
    file = tmp_path / "tiny.html"
    assert CliRunner().invoke(app, ["paper", "tiny", "--html", str(file)]).exit_code == 0
    text = file.read_text()
    assert "direction only" in text
    assert "One point was plotted twice." in text
    assert not re.search(r"""(src|href)=["']?https?:""", text)


@pytest.mark.usefixtures("tiny")
def test_a_file_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["paper", "tiny", "--json", str(tmp_path / "no" / "where.json")])
    assert told.exit_code == 1
    assert "--json" in told.stderr


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    told = CliRunner().invoke(app, ["paper", "nature"])
    assert told.exit_code == 1
    assert all(name in told.stderr for name in PAPERS)


def test_data_that_is_not_there_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = Paper(name="measured", title="", source="", claims=(), run=run_without_data)
    monkeypatch.setitem(PAPERS, "measured", paper)
    told = CliRunner().invoke(app, ["paper", "measured"])
    assert told.exit_code == 1
    assert "--data FOLDER" in told.stderr


def test_the_page_is_made_of_the_kept_results() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == evidence_text(ROOT)


@pytest.mark.parametrize("name", PAPERS)
def test_kept_results_judge_the_claims_that_stand_in_the_code(name: str) -> None:
    result = kept_result(ROOT, name)
    if result is None:
        pytest.skip(f"no kept result of {name}")
    assert not result.quick
    published = {claim.key: (claim.what, claim.published) for claim in PAPERS[name].claims}
    assert {row.key: (row.what, row.published) for row in result.rows} == published

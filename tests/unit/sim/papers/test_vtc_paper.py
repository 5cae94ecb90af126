"""VTC's experiments in their quick form, which needs no data: what the paper says is what comes out."""

from functools import cache

from evenhand.sim.papers.paper import Order
from evenhand.sim.papers.result import PaperResult
from evenhand.sim.papers.verdict import Verdict
from evenhand.sim.papers.vtc.paper import run_vtc
from support.shared_data import shared_file


@cache
def quick() -> PaperResult:
    return run_vtc(Order(quick=True))


def test_nothing_is_missed_and_what_cannot_be_right_is_called_so() -> None:
    verdicts = quick().verdicts()
    assert Verdict.MISSED not in verdicts.values()
    doubtful = [key for key, verdict in verdicts.items() if verdict is Verdict.DOUBTFUL]
    assert doubtful == ["bound per request", "figure 3a"]


def test_made_traffic_gives_what_was_measured_of_it() -> None:
    of_real = [key for key in quick().verdicts() if key.startswith("real")]
    for key, verdict in quick().verdicts().items():
        assert key in of_real or verdict in (Verdict.REPRODUCED, Verdict.DOUBTFUL), key


def test_with_the_shipped_trace_the_real_rows_are_reproduced_too() -> None:
    folder = shared_file("vtc_arena_real_trace.csv").parent
    result = run_vtc(Order(quick=True, data=folder))
    assert {row.verdict for row in result.rows} == {Verdict.REPRODUCED, Verdict.DOUBTFUL}
    assert "is the one that the artifact ships" in " ".join(result.setting)


def test_tables_and_figures_are_whole() -> None:
    result = quick()
    assert [table.title for table in result.tables][:2] == ["Real trace", "Overload"]
    for table in result.tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
    (gaps,) = result.figures
    assert {line.name for line in gaps.lines} == {"FCFS", "VTC", "VTC_pred_50", "VTC_oracle"}
    assert PaperResult.model_validate_json(result.model_dump_json()) == result

"""The table fits 80 columns whatever the figures are, and the notes say what it hides."""

import io
from array import array

import pytest
from rich.console import Console

from evenhand.cli.demo.figures import RunFigures, figures
from evenhand.cli.demo.quantile import Quantile
from evenhand.cli.demo.record import End, Record
from evenhand.cli.demo.table import comparison, notes
from evenhand.cli.demo.words import count, gap, interval, wait


def slow_run() -> RunFigures:
    """Hundreds of requests of every tenant that wait for a quarter of a minute."""
    records = [
        Record(
            tenant=tenant,
            prompt_characters=40_000,
            output_tokens_max=8,
            sent_at=number / 100,
            token_at=array("d", [number / 100 + 15 + number / 200]),
            ended_at=30,
            end=End.DONE,
        )
        for tenant in ("chat", "batch", "agent")
        for number in range(999)
    ]
    return figures(records, tenants={"chat": 1, "batch": 1, "agent": 1}, seconds=45)


def test_slow_runs_still_fit_80_columns() -> None:
    run = slow_run()
    screen = io.StringIO()
    Console(file=screen, width=80).print(
        comparison({"alone": run, "fcfs": run, "round-robin": run})
    )
    lines = screen.getvalue().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert not any("…" in line for line in lines), "a figure was cut"


def test_what_was_sent_stands_beside_what_was_done() -> None:
    done, cut = slow_run(), Record(tenant="b", prompt_characters=1, output_tokens_max=1, sent_at=0)
    run = figures([cut], tenants={"b": 1}, seconds=45)
    screen = io.StringIO()
    Console(file=screen, width=80).print(comparison({"alone": run, "fcfs": done}))
    assert "0/1" in screen.getvalue()
    assert "999/999" in screen.getvalue()
    assert "2997/2997" in screen.getvalue()


def test_failures_and_lower_bounds_are_said() -> None:
    waiting = Record(tenant="chat", prompt_characters=1, output_tokens_max=1, sent_at=0)
    failed = Record(
        tenant="chat",
        prompt_characters=1,
        output_tokens_max=1,
        sent_at=0,
        ended_at=1,
        end=End.FAILED,
        trouble="429: [slow] down",
    )
    run = figures([waiting, failed, failed], tenants={"chat": 1}, seconds=2)
    text = "\n".join(notes({"fcfs": run}))
    assert "1 chat requests had no token yet; they count with their waiting so far" in text
    assert "2 of 3 chat requests FAILED: 2 x 429: [slow] down" in text


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.0574, 0.051, 0.066, "57 (51-66)"),
        (4.194, None, 4.45, "4194 (?-4450)"),
        (15.241, 14.943, None, "15.2s (14.9-?)"),
    ],
)
def test_waits_are_short_to_read(
    value: float, low: float | None, high: float | None, text: str
) -> None:
    assert interval(Quantile(value=value, low=low, high=high)) == text


def test_missing_waits_are_a_dash_and_large_numbers_short() -> None:
    assert interval(None) == wait(None) == "-"
    assert (wait(0.0571), wait(5.712)) == ("57 ms", "5.71 s")
    assert (count(9_999), count(145_033)) == ("9999", "145k")
    assert (gap(0.314), gap(9.999), gap(14.04)) == ("0.31", "10.0", "14.0")

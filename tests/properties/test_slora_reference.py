"""The core inside the S-LoRA-like engine does what the VTC artifact's router does.

Its router is written again in `support.reference_slora`. First come, first served: the same to the last
microsecond whatever is sent. VTC: the same where the known deviations do not matter, which are that ours
lifts to whoever left last when nobody waits, and charges the first token of an answer.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.sim.golden.vtc_columns import Sent
from evenhand.sim.golden.vtc_replay import asks_of, engine_of, record_of
from evenhand.sim.golden.vtc_setup import setup_of
from evenhand.workloads.catalog import recipe_named
from support.reference_slora import Router, Times

ROWS = st.lists(
    st.tuples(
        st.floats(0, 30, allow_nan=False),
        st.sampled_from("012"),
        st.integers(1, 1500),
        st.integers(1, 300),
    ),
    min_size=1,
    max_size=60,
)
WITHIN_MS = 1e-6


def replayed(sent: Sent, run: str) -> dict[int, Times]:
    record = record_of(sent, setup_of(run))
    times = map(Times, record.first_token_ms, record.ended_ms)
    return dict(zip(record.ask, times, strict=True))


def far_apart(ours: dict[int, Times], theirs: dict[int, Times]) -> list[int]:
    assert ours.keys() == theirs.keys()
    return [
        ask
        for ask, mine in ours.items()
        if any(abs(a - b) > WITHIN_MS for a, b in zip(mine, theirs[ask], strict=True))
    ]


def suite(name: str, seconds: float) -> Sent:
    asks = list(recipe_named(f"vtc/{name}").make(42, {"seconds": seconds}).asks)
    return Sent(
        [ask.tenant[0].removeprefix("client-") for ask in asks],
        [ask.at_ms / 1000 for ask in asks],
        [ask.input_tokens for ask in asks],
        [ask.output_tokens for ask in asks],
    )


@settings(max_examples=40)
@given(ROWS)
def test_first_come_first_served_is_the_artifacts(rows: list[tuple[float, str, int, int]]) -> None:
    columns = zip(*sorted(rows, key=lambda row: row[0]), strict=True)
    sent_s, client, input_tokens, output_tokens = map(list, columns)
    sent = Sent(client, sent_s, input_tokens, output_tokens)
    router = Router(engine_of(setup_of("FCFS")), list(asks_of(sent)), is_fair=False)
    assert not far_apart(replayed(sent, "FCFS"), router.run())


@pytest.mark.parametrize("name", ["overload", "on_off_overload"])
def test_vtc_decides_as_the_artifact_does_between_two_that_wait(name: str) -> None:
    sent = suite(name, 100)
    router = Router(engine_of(setup_of("VTC")), list(asks_of(sent)), is_fair=True)
    assert not far_apart(replayed(sent, "VTC"), router.run())

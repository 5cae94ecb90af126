"""When an engine gets no requests for a while, and how it comes back."""

import random

import pytest

from evenhand.engines.circuit import (
    PAUSE_MS_MAX,
    Circuit,
    CircuitSettings,
    CircuitState,
    Opening,
    Sent,
    Verdict,
)
from evenhand.model import ModelName, RequestId

SETTINGS = CircuitSettings()
BACKOFF_MS = SETTINGS.backoff_min_ms


def sent(name: str = "r", *, tenant: str = "a", model: str = "m") -> Sent:
    return Sent(RequestId(name), (tenant,), ModelName(model))


def end(circuit: Circuit, verdict: Verdict, times: int = 1, *, now_ms: int = 0, **who: str) -> None:
    for _ in range(times):
        circuit.ended(sent(**who), verdict, now_ms)


def state(circuit: Circuit) -> CircuitState:
    """At this moment: to a type checker a property stays what it was."""
    return circuit.state


def takes_none(circuit: Circuit) -> bool:
    """Likewise."""
    return circuit.takes_none


def half_open(circuit: Circuit) -> int:
    """Let the pause of an open one pass; the time then."""
    assert circuit.due_ms is not None
    now_ms = circuit.due_ms
    assert not circuit.look(now_ms - 1)
    assert circuit.look(now_ms)
    assert state(circuit) is CircuitState.HALF_OPEN
    return now_ms


def test_five_failures_in_a_row_open_it_and_four_do_not() -> None:
    circuit = Circuit()
    end(circuit, Verdict.FAILED, 4)
    assert state(circuit) is CircuitState.CLOSED
    end(circuit, Verdict.FAILED)
    assert (circuit.state, circuit.because) == (CircuitState.OPEN, Opening.FAILING)
    assert circuit.takes_none
    assert circuit.openings[Opening.FAILING] == 1


def test_half_of_the_last_ten_open_it_and_less_do_not() -> None:
    circuit = Circuit()
    for _ in range(20):
        end(circuit, Verdict.SERVED, 2)
        end(circuit, Verdict.FAILED)
    assert state(circuit) is CircuitState.CLOSED
    for _ in range(5):
        end(circuit, Verdict.SERVED)
        end(circuit, Verdict.FAILED)
    assert circuit.because is Opening.FAILING


def test_failures_of_long_ago_count_no_more() -> None:
    circuit = Circuit()
    end(circuit, Verdict.FAILED, 4)
    end(circuit, Verdict.FAILED, now_ms=SETTINGS.memory_ms + 1)
    assert state(circuit) is CircuitState.CLOSED


@pytest.mark.parametrize("who", [{"tenant": "other"}, {"model": "other"}])
def test_what_fails_for_one_tenant_or_model_only_opens_nothing_for_the_others(
    who: dict[str, str],
) -> None:
    circuit, other = Circuit(), sent(**who)
    circuit.ended(other, Verdict.SERVED, 0)
    end(circuit, Verdict.FAILED, 9)
    assert state(circuit) is CircuitState.CLOSED
    circuit.ended(other, Verdict.FAILED, 0)
    assert state(circuit) is CircuitState.OPEN, "it fails for others too"


def test_a_timeout_while_others_are_served_is_one_failure_and_silence_is_enough_by_itself() -> None:
    circuit = Circuit()
    end(circuit, Verdict.SILENT, 4)
    assert state(circuit) is CircuitState.CLOSED
    end(circuit, Verdict.MUTE)
    assert (circuit.state, circuit.because) == (CircuitState.OPEN, Opening.HUNG)


def test_what_says_nothing_of_the_engine_changes_nothing() -> None:
    circuit = Circuit()
    end(circuit, Verdict.NONE, 20)
    end(circuit, Verdict.FAILED, 4)
    end(circuit, Verdict.NONE, 20)
    assert state(circuit) is CircuitState.CLOSED


def test_one_trial_that_is_served_closes_it() -> None:
    circuit = Circuit()
    end(circuit, Verdict.FAILED, 5)
    now_ms = half_open(circuit)
    assert not takes_none(circuit)
    assert circuit.started(RequestId("trial"))
    assert takes_none(circuit), "one at a time"
    end(circuit, Verdict.SERVED, now_ms=now_ms, name="old")
    assert state(circuit) is CircuitState.HALF_OPEN, "it was sent before all this"
    end(circuit, Verdict.SERVED, now_ms=now_ms, name="trial")
    assert state(circuit) is CircuitState.CLOSED
    assert circuit.because is None
    end(circuit, Verdict.FAILED, 4, now_ms=now_ms)
    assert state(circuit) is CircuitState.CLOSED, "what was before is forgotten"


def test_trials_that_fail_are_ever_further_apart_up_to_a_limit() -> None:
    circuit = Circuit()
    end(circuit, Verdict.FAILED, 5)
    now_ms, waits_ms = 0, []
    for _ in range(6):
        assert circuit.due_ms is not None
        waits_ms.append(circuit.due_ms - now_ms)
        now_ms = half_open(circuit)
        circuit.started(RequestId("trial"))
        end(circuit, Verdict.FAILED, now_ms=now_ms, name="trial")
    assert waits_ms == [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]


def test_a_trial_whose_client_left_makes_room_for_another() -> None:
    circuit = Circuit()
    end(circuit, Verdict.FAILED, 5)
    half_open(circuit)
    circuit.started(RequestId("trial"))
    assert circuit.ended(sent("trial"), Verdict.NONE, 5_000)
    assert state(circuit) is CircuitState.HALF_OPEN
    assert circuit.started(RequestId("second"))


def test_a_hung_engine_that_goes_on_is_back_with_the_first_word_of_anyone() -> None:
    for late in (True, False):
        circuit = Circuit()
        end(circuit, Verdict.MUTE)
        if late:
            end(circuit, Verdict.SERVED, name="it had hung there")
        else:
            half_open(circuit)
            circuit.started(RequestId("trial"))
            assert circuit.answers(RequestId("trial"))
        assert state(circuit) is CircuitState.CLOSED


def test_a_failing_engine_is_not_back_before_its_trial_is_whole() -> None:
    circuit = Circuit()
    end(circuit, Verdict.FAILED, 5)
    half_open(circuit)
    circuit.started(RequestId("trial"))
    assert not circuit.answers(RequestId("trial"))


def test_an_engine_that_names_a_time_is_left_alone_for_so_long_within_limits() -> None:
    for asked_ms, given_ms in ((5_000, 5_000), (0, BACKOFF_MS), (10**9, PAUSE_MS_MAX)):
        circuit = Circuit()
        assert circuit.pause(asked_ms, 100)
        assert (circuit.because, circuit.due_ms) == (Opening.BUSY, 100 + given_ms)


def test_a_lie_opens_it_whatever_it_was_and_for_longer() -> None:
    for before in (Verdict.SERVED, Verdict.MUTE):
        circuit = Circuit()
        end(circuit, before)
        end(circuit, Verdict.LIED)
        assert (circuit.because, circuit.due_ms) == (Opening.LYING, SETTINGS.quarantine_min_ms)
        end(circuit, Verdict.SERVED)
        assert state(circuit) is CircuitState.OPEN
        circuit.pause(1, 0)
        assert circuit.due_ms == SETTINGS.quarantine_min_ms


def test_the_operator_closes_it() -> None:
    circuit = Circuit()
    end(circuit, Verdict.LIED)
    assert circuit.close()
    assert not circuit.close()
    assert not circuit.takes_none


def test_whatever_happens_there_is_a_way_back() -> None:
    for seed in range(300):
        chance = random.Random(seed)
        circuit, now_ms, names = Circuit(), 0, ["r0"]
        for step in range(60):
            now_ms += chance.choice([0, 1, 500, 5_000])
            circuit.look(now_ms)
            if not circuit.takes_none:
                names.append(f"r{step}")
                circuit.started(RequestId(names[-1]))
            if len(names) > 1 and chance.random() < 0.6:
                name = names.pop(chance.randrange(1, len(names)))
                circuit.ended(sent(name), chance.choice(list(Verdict)), now_ms)
            if chance.random() < 0.1:
                circuit.pause(chance.randrange(60_000), now_ms)
            assert (circuit.because is None) == (circuit.state is CircuitState.CLOSED)
            assert (circuit.due_ms is None) == (circuit.state is not CircuitState.OPEN)
            assert circuit.trial is None or circuit.trial in names, "no trial outlives its request"
        for name in names:
            circuit.ended(sent(name), Verdict.NONE, now_ms)
        if circuit.state is CircuitState.OPEN:
            half_open(circuit)
        if circuit.state is CircuitState.HALF_OPEN:
            circuit.started(RequestId("trial"))
            circuit.ended(sent("trial"), Verdict.SERVED, now_ms)
        assert state(circuit) is CircuitState.CLOSED

"""A tiny model with random weights, in the engine's own thread, asked from several others."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from transformers.generation.continuous_batching import scheduler as engine_scheduler

from evenhand.engines.step_time_file import read_step_time
from evenhand.inengine.transformers import FairScheduler, register, submit
from support.transformers_engine import Shape, manager_of

ROOMY = Shape(seats=8, step_tokens=64, page=16, pages=64)
TIGHT = Shape(seats=8, step_tokens=64, page=16, pages=14)


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(engine_scheduler.SCHEDULER_MAPPING)
    monkeypatch.setattr(engine_scheduler, "SCHEDULER_MAPPING", known)
    monkeypatch.setattr(
        "transformers.generation.continuous_batching.continuous_api.SCHEDULER_MAPPING", known
    )
    register()


@contextmanager
def started(model: Any, shape: Shape, scheduler: str, **changed: Any) -> Iterator[Any]:
    manager = manager_of(model, shape, scheduler, **changed)
    manager.start()
    try:
        yield manager
    finally:
        manager.destroy()


def answers(manager: Any, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while len(found) < number:
        output = manager.get_result(timeout=5)
        assert output is not None or manager.is_running(), "the engine's thread has died"
        if output is not None and output.is_finished():
            assert output.request_id not in found, "ended twice"
            found[output.request_id] = output
    return found


def prompts(number: int) -> list[list[int]]:
    return [[(i * 7 + j * 3) % 120 + 5 for j in range(5 + i * 13 % 80)] for i in range(number)]


def settled(manager: Any) -> FairScheduler:
    """When the engine's loop has come round once more, the core knows of all ends."""
    scheduler = manager.batch_processor.scheduler
    assert isinstance(scheduler, FairScheduler)
    until = time.monotonic() + 10
    while scheduler.host.scheduler.open_requests() and time.monotonic() < until:
        time.sleep(0.01)
    assert not scheduler.host.scheduler.open_requests()
    return scheduler


@pytest.mark.parametrize("shape", [ROOMY, TIGHT], ids=["roomy", "tight"])
def test_answers_are_those_of_the_engines_own_scheduler(model: Any, shape: Shape) -> None:
    asked = prompts(20)
    with started(model, shape, "fifo") as manager:
        for number, prompt in enumerate(asked):
            manager.add_request(prompt, request_id=f"{number}", max_new_tokens=12)
        expected = {name: out.generated_tokens for name, out in answers(manager, 20).items()}
    with started(model, shape, "evenhand") as manager:
        for number, prompt in enumerate(asked):
            tenant = "a" if number < 15 else "b"
            submit(manager, prompt, tenant=tenant, request_id=f"{number}", max_new_tokens=12)
        found = {name: out.generated_tokens for name, out in answers(manager, 20).items()}
        served = settled(manager).host.scheduler.served_units
        for tenant, part in (("a", asked[:15]), ("b", asked[15:])):
            units = sum(len(prompt) * 10 + 12 * 20 for prompt in part)
            assert served((tenant,)) == units
    assert found == expected


def test_the_engines_time_is_its_tenants_and_nothing_of_it_is_lost(
    model: Any, tmp_path: Path
) -> None:
    register(gpu_time_file=str(tmp_path / "time.json"))
    asked = prompts(20)
    with started(model, TIGHT, "evenhand") as manager:
        for number, prompt in enumerate(asked):
            tenant = "a" if number < 15 else "b"
            submit(manager, prompt, tenant=tenant, application="x", max_new_tokens=12)
        answers(manager, 20)
        kept = settled(manager)._gpu_time
        assert kept is not None
        kept.close()
    told = read_step_time(tmp_path / "time.json")
    us = {owner.tenant: owner.us for owner in told.owners}
    assert {owner.application for owner in told.owners} == {"x"}
    assert us["a",] > us["b",] > 0
    assert sum(us.values()) + told.idle_us == told.until_us - told.since_us


def test_several_threads_submit_and_cancel_while_the_engine_runs(model: Any) -> None:
    with started(model, TIGHT, "evenhand") as manager:
        cancelled: list[str] = []

        def ask(tenant: str) -> None:
            for number, prompt in enumerate(prompts(15)):
                name = f"{tenant}{number}"
                submit(manager, prompt, tenant=tenant, request_id=name, max_new_tokens=10)
                if number % 5 == 4:
                    cancelled.append(name)
                    manager.cancel_request(name)
                time.sleep(0.002)

        threads = [threading.Thread(target=ask, args=(tenant,)) for tenant in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Who was cancelled gets no answer from this engine, unless it had ended.
        found = answers(manager, 4 * 12)
        names = {f"{tenant}{number}" for tenant in "abcd" for number in range(15)}
        assert names - set(cancelled) <= set(found) <= names
        scheduler = settled(manager)
        assert not scheduler.roster.records
        assert not scheduler.waiting_requests_order


def test_several_answers_to_one_prompt_are_one_request(model: Any) -> None:
    with started(model, ROOMY, "evenhand", num_return_sequences=3, do_sample=True) as manager:
        submit(manager, [7] * 20, tenant="a", request_id="x", max_new_tokens=6)
        found = answers(manager, 3)
        assert set(found) == {"x", "x__child#0", "x__child#1"}
        served = settled(manager).host.scheduler.served_units(("a",))
        assert served == 20 * 10 + 3 * 6 * 20


def test_what_is_open_when_the_engine_stops_is_failed_and_settled(model: Any) -> None:
    manager = manager_of(model, TIGHT, "evenhand")
    manager.start()
    for number, prompt in enumerate(prompts(12)):
        submit(
            manager, prompt, tenant="a", request_id=f"{number}", max_new_tokens=200 - len(prompt)
        )
    while manager.batch_processor is None or not manager.batch_processor.scheduler.active_requests:
        time.sleep(0.01)
    scheduler = manager.batch_processor.scheduler
    manager.stop(block=True, hard_stop=True)
    scheduler.reset()  # as the engine's next start does
    assert scheduler.host.scheduler.open_requests() == 0
    assert scheduler.host.scheduler.open_units() == 0
    found = answers(manager, 12)
    assert all(output.error for output in found.values())
    manager.destroy()

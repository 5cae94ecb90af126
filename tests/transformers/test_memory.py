"""When the cache is full: who is taken back, what that costs, and what cannot fit at all."""

from typing import Any

from support.transformers_audit import AuditedEngine, fair_engine
from support.transformers_engine import Shape

PROMPT = 24


def test_the_tenant_furthest_over_its_share_is_taken_back(model: Any) -> None:
    tenants = [{"name": "great", "weight": 8}, {"name": "small", "weight": 1}]
    engine = AuditedEngine(model, Shape(seats=8, step_tokens=256, pages=30), tenants=tenants)
    # The engine's own scheduler takes back whoever came last, whoever's it is.
    for name in ("small", "great", "small", "great", "small", "great", "great"):
        engine.ask(name, [7] * PROMPT, 30)
    taken_back: set[str] = set()
    for _ in range(400):
        engine.step()
        taken_back |= {
            name
            for name, state in engine.scheduler.waiting_requests.items()
            if engine.work[name].position
        }
    engine.finish()
    assert taken_back
    assert {name.partition("~")[0] for name in taken_back} == {"small"}


def test_what_is_computed_again_is_nobodys(model: Any) -> None:
    engine = AuditedEngine(model, Shape(seats=8, step_tokens=128, pages=20))
    for name in ("a", "b") * 4:
        engine.ask(name, [5] * PROMPT, 30)
    engine.finish()
    assert engine.seen["recomputed"]
    each = 4 * (PROMPT * 10 + 30 * 20)
    assert engine.host.scheduler.served_units(("a",)) == each
    assert engine.host.scheduler.served_units(("b",)) == each
    accounts = engine.scheduler.accounts()
    assert accounts.by_tenant == {
        (name,): 4 * (PROMPT + 29) for name in "ab"
    }  # the last is not read
    assert accounts.recomputed == engine.seen["recomputed"]


def test_a_request_that_can_never_fit_is_failed_and_the_others_go_on(model: Any) -> None:
    engine = AuditedEngine(model, Shape(pages=10))
    engine.add("a~big", [5] * 200, 10)
    engine.add("a~long", [5] * 20, 100)
    exact = engine.ask("a", [5] * 60, 20)
    engine.run_dry()
    assert "the cache holds 80" in engine.ended["a~big"].error
    assert "the cache holds 80" in engine.ended["a~long"].error
    assert engine.ended[exact].error is None
    assert len(engine.ended[exact].generated_tokens) == 20
    assert engine.is_all_free()


def test_two_open_requests_cannot_have_one_id(model: Any) -> None:
    engine = fair_engine(model, Shape())
    engine.add("a~1", [5] * 10, 5)
    engine.step()
    engine.add("a~1", [5] * 10, 5)
    engine.step()
    assert "is open already" in engine.ended.pop("a~1").error
    engine.run_dry()
    assert len(engine.ended["a~1"].generated_tokens) == 5
    assert engine.scheduler.host.scheduler.open_requests() == 0


def test_a_ceiling_of_memory_holds_back_only_its_tenant(model: Any) -> None:
    shape = Shape(seats=16, step_tokens=256, pages=50)
    engine = AuditedEngine(model, shape, kv_ceilings_percent={"a": 20})
    for name in "a" * 8 + "b" * 3:
        engine.ask(name, [5] * 30, 10)
    most = 0
    for _ in range(12):
        engine.step()
        running = [name[0] for name in engine.scheduler.active_requests]
        most = max(most, running.count("a"))
        assert running.count("a") * 30 <= 0.2 * 400 + 30
    assert most == 2
    engine.finish()


def test_who_waits_for_memory_is_let_in_when_whoever_had_it_has_left(model: Any) -> None:
    engine = AuditedEngine(model, Shape(seats=2, pages=12))
    first = [engine.ask("a", [5] * 30, 40) for _ in range(2)]
    while not engine.scheduler.block_new_requests:
        engine.step()
    for name in first:
        engine.abort(name)
    last = engine.ask("b", [5] * 30, 5)
    engine.finish()
    assert len(engine.ended[last].generated_tokens) == 5

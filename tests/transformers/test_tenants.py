"""Whose a request is: notes beside it, or what its id says."""

import threading
from typing import Any

import pytest
from transformers.generation.continuous_batching import scheduler as engine_scheduler

from evenhand.inengine.settings import InEngineSettingsError
from evenhand.inengine.tenant_hints import ANONYMOUS, HintReader, TenantHints
from evenhand.inengine.transformers import NotInUseError, ensure_in_use, register, submit
from evenhand.inengine.transformers.tenants import Hints, Notes
from support.transformers_audit import fair_engine
from support.transformers_engine import Shape, manager_of

TRUSTING = HintReader(trusts=True, secret=None)


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(engine_scheduler.SCHEDULER_MAPPING)
    monkeypatch.setattr(engine_scheduler, "SCHEDULER_MAPPING", known)
    monkeypatch.setattr(
        "transformers.generation.continuous_batching.continuous_api.SCHEDULER_MAPPING", known
    )


@pytest.mark.parametrize(
    ("request_id", "tenant", "lane", "application"),
    [
        ("acme~1", ("acme",), "default", "default"),
        ("acme/search~7f3a", ("acme", "search"), "default", "default"),
        ("acme~chat~7f3a", ("acme",), "chat", "default"),
        ("acme~chat~bot~7f3a", ("acme",), "chat", "bot"),
    ],
)
def test_an_id_says_whose_it_is(
    request_id: str, tenant: tuple[str, ...], lane: str, application: str
) -> None:
    hints = Hints(Notes(), TRUSTING).of(request_id)
    assert (hints.tenant, hints.lane, hints.application) == (tenant, lane, application)


@pytest.mark.parametrize(
    "request_id",
    [
        *("7f3a", "", "~", "acme~", "~1", "a//b~1", "/~1", "acme~~1", "a~b~c~d~1", "a~~~~~~~"),
        "x" * 2_000 + "~1",
        "/".join("abcdefghi") + "~1",
    ],
)
def test_a_malformed_id_is_nobodys_in_particular(request_id: str) -> None:
    assert Hints(Notes(), TRUSTING).of(request_id).tenant == ANONYMOUS


def test_ids_are_believed_only_where_the_operator_says_so() -> None:
    reader = HintReader(trusts=False, secret=None)
    assert Hints(Notes(), reader).of("acme~1").tenant == ANONYMOUS
    assert reader.problems == {"untrusted": 1}


def test_notes_are_bounded_and_the_oldest_goes_first() -> None:
    notes = Notes(noted_max=100)
    hints = TenantHints(tenant=("acme",))

    def write(of: str) -> None:
        for number in range(500):
            notes.write(f"{of}{number}", hints)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    notes.write("last", hints)
    names = [f"{of}{number}" for of in "abcd" for number in range(500)]
    assert sum(notes.of(name) is not None for name in names) == 99
    assert notes.of("last") == hints


def test_a_forged_tenant_does_not_stop_the_engine(model: Any) -> None:
    engine = fair_engine(model, Shape(), tenants_max=3)
    for number in range(40):
        engine.add(f"t{number % 8}~{number}", [5] * 10, 3)
        engine.add(f"{'~' * number}x{number}", [5] * 10, 2)
    engine.run_dry()
    assert len(engine.ended) == 80
    served = engine.scheduler.host.scheduler.served_units
    assert served(("t0",)) == served(("t1",)) == served(("t2",)) == 5 * (100 + 60)
    assert served(("others",)) == 25 * (100 + 60)
    assert served(ANONYMOUS)


def test_submit_says_when_the_engine_would_not_look_at_the_tenant(model: Any) -> None:
    # An engine that was started before `register` fell back to its own scheduler, silently.
    manager = manager_of(model, Shape(), "evenhand")
    with pytest.raises(NotInUseError, match="register"):
        submit(manager, [1, 2], tenant="acme")
    register()
    ensure_in_use(manager)
    manager.batch_processor = manager._create_batch_processor()
    ensure_in_use(manager)
    other = manager_of(model, Shape(), "fifo")
    with pytest.raises(NotInUseError, match="scheduler_type='evenhand'"):
        submit(other, [1, 2], tenant="acme")
    register(as_default=True)
    ensure_in_use(manager_of(model, Shape(), "fifo"))


@pytest.mark.parametrize("tenant", ["", "/", "a//b", "x" * 2_000])
def test_what_is_no_tenant_is_refused_where_it_is_submitted(model: Any, tenant: str) -> None:
    register()
    with pytest.raises(ValueError, match="no tenant"):
        submit(manager_of(model, Shape(), "evenhand"), [1, 2], tenant=tenant)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"policy": "fairest"}, "there is no policy 'fairest'"),
        ({"polcy": "vtc"}, "unknown setting 'polcy'"),
        ({"hints_secret": "env:X"}, "nothing of a request but its id"),
        ({"lanes": [{"name": "chat", "thinking_tokens_max": 10}]}, "output_tokens_max"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InEngineSettingsError, match=says):
        register(**settings)


def test_settings_come_from_the_environment_and_arguments_win(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EVENHAND_INENGINE", '{"policy": "dlpm", "trust_hints": true}')
    register(policy="wsc")
    settings = engine_scheduler.SCHEDULER_MAPPING["evenhand"].keywords["settings"]
    assert (settings.policy, settings.trust_hints) == ("wsc", True)
    monkeypatch.setenv("EVENHAND_INENGINE", "{policy: dlpm")
    with pytest.raises(InEngineSettingsError, match="EVENHAND_INENGINE"):
        register()

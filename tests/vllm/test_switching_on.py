"""How the scheduler comes into vLLM, whom it believes, what it refuses, and what it leaves behind."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from vllm.config import SchedulerConfig
from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.version import __version__

from evenhand.inengine.settings import InEngineSettingsError
from evenhand.inengine.settings_document import VARIABLE
from evenhand.inengine.vllm import FairScheduler, versions
from evenhand.inengine.vllm.plug_in import SWITCH, register
from evenhand.stores.event_log import replay_file
from evenhand.wire.engine_hints import SEAL, seal
from support.vllm_bare import Ask, BareEngine, Shape, bare_scheduler
from support.vllm_fair import ask, engine_of

SECRET = "a secret of some length"


def told(engine: BareEngine, name: str, hints: dict[str, Any]) -> tuple[str, ...]:
    engine.add(Ask(id=name, prompt=(5, 6, 7), output_tokens_max=4, told=hints))
    tenant: tuple[str, ...] = engine.scheduler.roster.records[name].tenant
    return tenant


# Versions.


def test_this_vllm_has_all_that_is_used_of_it() -> None:
    shim = versions.shim(__version__)
    assert versions.missing(shim.CLASSES, shim.NEEDS) == []
    versions.check(__version__, [])


def test_what_a_release_lacks_is_named() -> None:
    shim = versions.shim(__version__)

    class Bare:
        def schedule(self) -> None: ...

    lacking = versions.missing({**shim.CLASSES, "AsyncScheduler": Bare}, shim.NEEDS)
    assert "AsyncScheduler.schedule(throttle_prefills)" in lacking
    assert "AsyncScheduler._free_request" in lacking
    with pytest.raises(versions.UnsupportedVersionError, match=r"no AsyncScheduler\._free_request"):
        versions.check(__version__, lacking)


@pytest.mark.parametrize("version", ["0.31.4", "0.33.0", "1.0", "", "nonsense"])
def test_an_untried_release_is_refused_and_the_tried_ones_named(version: str) -> None:
    with pytest.raises(versions.UnsupportedVersionError, match=r"Install one of 0\.32"):
        versions.shim(version, {})
    assert versions.shim(version, {versions.FORCE: "1"}) is versions.shim("0.32.0+cpu", {})


def test_on_an_untried_release_it_does_not_start(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evenhand.inengine.vllm.scheduler.VLLM_VERSION", "0.99.1")
    with pytest.raises(versions.UnsupportedVersionError, match=r"vLLM 0\.99\.1 was not tried"):
        engine_of(tiny)


# Switching on.


def test_the_entry_point_does_nothing_unless_asked() -> None:
    before = SchedulerConfig.get_scheduler_cls
    register({})
    register({SWITCH: "0"})
    assert SchedulerConfig.get_scheduler_cls is before


def test_the_entry_point_sets_the_default_and_keeps_what_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SchedulerConfig, "get_scheduler_cls", SchedulerConfig.get_scheduler_cls)
    register({SWITCH: "1"})
    register({SWITCH: "1"})
    sizes = {"max_num_seqs": 4, "max_num_batched_tokens": 64, "max_model_len": 64}
    plain = SchedulerConfig(**sizes, is_encoder_decoder=False)
    assert plain.get_scheduler_cls() is FairScheduler
    named = SchedulerConfig(**sizes, is_encoder_decoder=False, scheduler_cls=AsyncScheduler)
    assert named.get_scheduler_cls() is AsyncScheduler


def test_it_keeps_scheduling_asynchronous() -> None:
    assert issubclass(FairScheduler, AsyncScheduler)


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_settings_may_be_in_a_file(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"fair{suffix}"
    path.write_text(json.dumps({"policy": "wsc"}))
    monkeypatch.setenv(VARIABLE, str(path))
    engine = BareEngine(bare_scheduler(FairScheduler, tiny, Shape()))
    assert engine.scheduler.host.settings.policy == "wsc"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"polcy": "vtc"}, "unknown setting 'polcy'"),
        ({"policy": "best"}, "there is no policy 'best'"),
        ({"lanes": [{"name": "a", "thinking_tokens_max": 9}]}, "--reasoning-parser"),
        ({"hints_secret": "hunter2"}, "never to be one"),
        ({"hints_secret": "env:NOT_THERE_AT_ALL"}, "is not set"),
        ({"event_log": "/not/there/log"}, "cannot be written"),
    ],
)
def test_what_cannot_be_is_refused_at_the_start(
    tiny: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InEngineSettingsError, match=message):
        engine_of(tiny, settings)


def test_vllms_own_priorities_are_refused(tiny: Path) -> None:
    with pytest.raises(InEngineSettingsError, match="--scheduling-policy priority"):
        engine_of(tiny, policy="priority")


# Hints.


def test_sealed_hints_are_believed(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALED_BY", SECRET)
    engine = engine_of(tiny, {"trust_hints": False, "hints_secret": "env:SEALED_BY"})
    hints = {"evenhand_tenant": "acme/search", "evenhand_weights": [4, 2]}
    sealed = {**hints, SEAL: seal(hints, SECRET.encode()), "top_secret": 1}
    assert told(engine, "one", sealed) == ("acme", "search")
    tree = engine.scheduler.host.scheduler.tree
    found = [tree.find(path) for path in (("acme",), ("acme", "search"))]
    assert [node.weight for node in found if node is not None] == [4, 2]
    heavier = {**hints, "evenhand_weights": [4, 7]}
    told(engine, "two", {**heavier, SEAL: seal(heavier, SECRET.encode())})
    assert found[1] is not None
    assert found[1].weight == 7
    engine.drain()


@pytest.mark.parametrize(
    "hints",
    [
        {"evenhand_tenant": "acme"},
        {"evenhand_tenant": "acme", SEAL: ""},
        {"evenhand_tenant": "acme", SEAL: "0" * 64},
        {"evenhand_tenant": "acme", SEAL: "ü" * 64},
        {"evenhand_tenant": "acme", SEAL: 7},
        {"evenhand_tenant": "acme", SEAL: seal({"evenhand_tenant": "acme"}, b"another secret")},
        {"evenhand_tenant": "acme", SEAL: seal({"evenhand_tenant": "b"}, SECRET.encode())},
        {
            "evenhand_tenant": "acme",
            "evenhand_lane": "chat",
            SEAL: seal({"evenhand_tenant": "acme"}, SECRET.encode()),
        },
        {"evenhand_tenant": float("nan"), SEAL: "0"},
    ],
)
def test_forged_hints_are_nobodys_counted_and_logged_once(
    tiny: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    hints: dict[str, Any],
) -> None:
    monkeypatch.setenv("SEALED_BY", SECRET)
    engine = engine_of(tiny, {"trust_hints": False, "hints_secret": "env:SEALED_BY"})
    with caplog.at_level(logging.WARNING, "evenhand.inengine"):
        for number in range(3):
            assert told(engine, f"r{number}", hints) == ("anonymous",)
    assert engine.scheduler.hints.problems == {"forged": 3}
    assert len([r for r in caplog.records if r.name == "evenhand.inengine"]) == 1
    engine.drain()
    assert len(engine.ended) == 3


def test_hints_are_not_believed_unless_that_is_said(
    tiny: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "evenhand.inengine"):
        engine = engine_of(tiny, {"trust_hints": False})
    assert "neither hints_secret nor trust_hints is set, so all" in caplog.text
    assert told(engine, "one", {"evenhand_tenant": "acme"}) == ("anonymous",)
    assert engine.scheduler.hints.problems == {"untrusted": 1}


def test_more_tenants_than_are_provided_for_share_one_place(tiny: Path) -> None:
    engine = engine_of(tiny, {"tenants_max": 3})
    places = [told(engine, f"r{n}", {"evenhand_tenant": f"t{n}"}) for n in range(6)]
    assert places == [("t0",), ("t1",), ("t2",), ("others",), ("others",), ("others",)]
    assert told(engine, "again", {"evenhand_tenant": "t1"}) == ("t1",)
    engine.drain()


# Caps.


def test_a_lanes_answers_end_at_its_cap(tiny: Path) -> None:
    lanes = [{"name": "chat", "output_tokens_max": 5}, {"name": "batch"}]
    engine = engine_of(tiny, {"lanes": lanes})
    for lane in ("chat", "batch"):
        engine.add(ask(f"one {lane}", "a", 10, output=20, lane=lane))
    engine.requests["one chat"].sampling_params.min_tokens = 10
    engine.add(ask("another", "a", 10, output=20, lane="no such lane"))
    engine.drain()
    lengths = {name: len(answer) for name, answer in engine.answers.items()}
    assert lengths == {"one chat": 5, "one batch": 20, "another": 20}


# Event log.


@pytest.mark.parametrize("policy", ["vtc", "dlpm", "wsc"])
def test_the_event_log_replays(tiny: Path, tmp_path: Path, policy: str) -> None:
    path = tmp_path / "events.jsonl.gz"
    engine = engine_of(tiny, {"event_log": str(path), "policy": policy}, blocks=20, seats=6)
    for number in range(40):
        engine.add(ask(f"r{number}", "abc"[number % 3], 20 + 7 * number % 90, output=60))
        engine.step()
        if number % 9 == 8:
            engine.abort([min(engine.open)])
    engine.drain()
    engine.scheduler.shutdown()
    replayed = replay_file(path)
    assert replayed.difference is None
    assert replayed.ended == "complete"
    assert replayed.calls > 500


# Prefixes.


def test_what_the_engine_has_cached_decides_not_what_was_believed(tiny: Path) -> None:
    engine = engine_of(tiny, {"policy": "lpm"}, seats=1, blocks=64)
    warm, cold = tuple(range(100, 420)), tuple(range(1000, 1320))
    engine.add(Ask(id="w", prompt=warm, output_tokens_max=2))
    engine.drain()
    engine.add(Ask(id="c", prompt=cold, output_tokens_max=2))
    engine.drain()
    assert engine.scheduler.reset_prefix_cache()  # the core is not told
    engine.add(Ask(id="w2", prompt=warm, output_tokens_max=2))
    engine.drain()
    # Both are believed to be cached, and only one is.
    engine.add(Ask(id="busy", prompt=(1, 2, 3), output_tokens_max=3))
    engine.step()
    engine.add(Ask(id="cold", prompt=(*cold, 7), output_tokens_max=2))
    engine.add(Ask(id="warm", prompt=(*warm, 7), output_tokens_max=2))
    engine.drain()
    assert list(engine.ended)[-2:] == ["warm", "cold"]

"""A run that was written to a file is decided alike when it is read again."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from evenhand.model import (
    EngineName,
    LaneName,
    ModelName,
    Outcome,
    Request,
    RequestId,
    TenantPath,
    TrustDomain,
)
from evenhand.scheduling import (
    PRESETS,
    Lane,
    QueueLimits,
    SchedulerSettings,
    TenantShare,
    TokenWeights,
    compose,
)
from evenhand.scheduling.recorder import Recorder
from evenhand.scheduling.tree_change import (
    AddTenant,
    MoveTenant,
    RemoveTenant,
    SetWeight,
    TreeChange,
    TreePlan,
    TreeProblem,
)
from evenhand.stores.event_log import EventLog, Replayed, replay_file
from evenhand.stores.event_log.event_form import METHODS
from support.recorded_run import any_request, drive

ENGINES = {"e1": ("m1",), "e2": ("m1", "m2")}
TENANTS = (
    TenantShare(name="a", weight=3),
    TenantShare(name="b"),
    TenantShare(name="c", children=(TenantShare(name="x"), TenantShare(name="y", weight=2))),
)
SECRET = "the launch code is 4711 and nobody may read it"


def arrival(dice: random.Random, request_id: RequestId, tenant: TenantPath) -> Request:
    """Half of all prompts begin with one of two long texts."""
    text = f"{SECRET} {dice.randrange(2)} ".encode() * dice.randrange(6)
    return replace(
        any_request(dice, request_id, tenant),
        prefix=text + b"%d" % dice.randrange(5),
        trust_domain=TrustDomain(dice.choice(["", "other"])),
    )


def run(recorder: Recorder, *, seed: int = 1, steps: int = 400) -> None:
    drive(
        recorder,
        seed=seed,
        steps=steps,
        arrival=arrival,
        engines=ENGINES,
        has_neighbours=True,
        is_inside=True,
    )


def logged(path: Path, settings: SchedulerSettings, *, holds_text: bool = True) -> Replayed:
    with EventLog(path, host="a test") as log:
        run(log.scheduler(settings, holds_text=holds_text))
    return replay_file(path)


@pytest.mark.parametrize("preset", sorted(PRESETS))
@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
def test_every_preset_is_replayed_from_a_file(tmp_path: Path, preset: str, name: str) -> None:
    settings = SchedulerSettings(tenants=TENANTS, policy=compose(preset))
    replayed = logged(tmp_path / name, settings)
    assert replayed.difference is None
    assert replayed.calls > 600
    assert (replayed.host, replayed.policy, replayed.ended) == ("a test", preset, "complete")


@pytest.mark.parametrize("preset", [p for p in sorted(PRESETS) if PRESETS[p].reads_prefix])
def test_a_log_without_text_is_replayed_too(tmp_path: Path, preset: str) -> None:
    settings = SchedulerSettings(tenants=TENANTS, policy=compose(preset))
    path = tmp_path / "log.jsonl"
    assert logged(path, settings, holds_text=False).difference is None
    hidden, shown = path.read_bytes(), (tmp_path / "shown.jsonl")
    logged(shown, settings)
    start_of_text = b"dGhlIGxhdW5jaCBjb2Rl"  # "the launch code", in base 64
    assert start_of_text in shown.read_bytes()
    assert start_of_text not in hidden


def test_placement_by_the_text_itself_is_replayed_without_it(tmp_path: Path) -> None:
    settings = SchedulerSettings(
        tenants=TENANTS, policy=compose("vtc", placement="consistent-hash")
    )
    assert logged(tmp_path / "log.jsonl", settings, holds_text=False).difference is None


def test_all_settings_come_back(tmp_path: Path) -> None:
    policy = compose(
        "dlpm", prediction="quantile", cost="gpu-time", settings={"quantum_tokens": 123}
    )
    settings = SchedulerSettings(
        tenants=TENANTS,
        policy=policy,
        cost=TokenWeights(input=3, cached_input=2, output=7),
        limits=QueueLimits(requests_max=20, bytes_max=3_000, tenant_requests_max=9),
        output_tokens_default=33,
        sheds=False,
        lanes=(
            Lane(name=LaneName("default"), ttft_ms_target=200, ceiling_percent=70, ageing_ms=50),
            Lane(name=LaneName("other"), floor_percent=20, price_percent=50),
        ),
        forget_after_ms=2_000,
    )
    assert logged(tmp_path / "log.jsonl", settings).difference is None


def test_changes_of_the_tree_and_all_other_calls_are_written(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with EventLog(path, host="a test") as log:
        core = log.scheduler(SchedulerSettings(tenants=TENANTS))
        run(core)
        assert isinstance(core.plan([RemoveTenant(("nobody",))]), TreeProblem)
        changes: list[TreeChange] = [
            SetWeight(("a",), 2),
            AddTenant(("c",), TenantShare(name="z", children=(TenantShare(name="zz"),))),
            MoveTenant(("b",), ("c",)),
            RemoveTenant(("c", "x")),
        ]
        plan = core.plan(changes)
        assert isinstance(plan, TreePlan)
        core.apply(plan)
        other = SchedulerSettings(
            tenants=(),
            policy=compose("drr", settings={"quantum_tokens": 99}),
            lanes=(Lane(name=LaneName("default"), price_percent=50),),
        )
        assert not core.obstacles(other)
        core.exchange(other, 10**6)
        core.restarted(EngineName("e1"))
        core.engine_held(EngineName("e1"), slots=1)
        core.engine_told(EngineName("e1"), waiting=1, may_take_more=True)
        core.cache_sized(EngineName("e1"), 4_096, 16)
        core.stored(EngineName("e1"), b"text", TrustDomain(""))
        core.evicted(EngineName("e1"), b"text", TrustDomain(""))
        core.retry_after_ms(("c", "b"), 10**6)
    written = {line.split('"')[1] for line in path.read_text().splitlines()[1:-1]}
    assert written == set(METHODS)
    assert replay_file(path).difference is None


def test_every_recorded_call_can_be_written() -> None:
    recorded = {name for name in vars(Recorder) if not name.startswith("_")}
    recorded.remove("produced_in_all")  # as so many calls of `produced`
    assert recorded == set(METHODS)


def test_what_a_client_is_told_is_no_decision(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    settings = SchedulerSettings(
        tenants=TENANTS, limits=QueueLimits(requests_max=3, tenant_requests_max=2)
    )
    assert logged(path, settings).difference is None
    text = path.read_text()
    assert str(Outcome.TENANT_QUEUE_FULL) in text
    assert "Try again" not in text


def test_equal_runs_make_equal_files(tmp_path: Path) -> None:
    settings = SchedulerSettings(tenants=TENANTS)
    one, other = tmp_path / "one.gz", tmp_path / "other.gz"
    logged(one, settings)
    logged(other, settings)
    assert one.read_bytes() == other.read_bytes()


def test_a_full_log_stops_and_the_run_goes_on(tmp_path: Path) -> None:
    path, told = tmp_path / "log.jsonl", list[str]()
    settings = SchedulerSettings(tenants=TENANTS)
    with EventLog(path, host="a test", bytes_max=20_000, on_stop=told.append) as log:
        run(log.scheduler(settings))
    assert path.stat().st_size < 21_000
    assert told == ["it holds 20000 bytes, as many as it may"]
    replayed = replay_file(path)
    assert (replayed.ended, replayed.difference) == ("full", None)


def test_a_full_disk_stops_the_log_and_not_the_run() -> None:
    told: list[str] = []
    with EventLog(Path("/dev/full"), host="a test", on_stop=told.append) as log:
        core = log.scheduler(SchedulerSettings(tenants=TENANTS))
        run(core, steps=4_000)
    assert told == ["it cannot be written: No space left on device"]


def test_a_run_that_breaks_off_says_so(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with (
        pytest.raises(AssertionError, match="submitted twice"),
        EventLog(path, host="a test") as log,
    ):
        core = log.scheduler(SchedulerSettings(tenants=TENANTS))
        core.engine_changed(EngineName("e"), window=1, models=(ModelName("m1"),))
        for _ in range(2):
            core.submit(any_request(random.Random(1), RequestId("r"), ("a",)), 0)
    assert replay_file(path).ended == "broken off"


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
def test_what_was_flushed_is_there_when_the_host_is_killed(tmp_path: Path, name: str) -> None:
    path, left = tmp_path / name, tmp_path / f"left-{name}"
    with EventLog(path, host="test") as log:
        scheduler = log.scheduler(SchedulerSettings(tenants=TENANTS))
        for _ in range(3):
            scheduler.expire(0)
        log.flush()
        left.write_bytes(path.read_bytes())
    replayed = replay_file(left)
    assert (replayed.calls, replayed.ended, replayed.difference) == (3, None, None)
    log.flush()

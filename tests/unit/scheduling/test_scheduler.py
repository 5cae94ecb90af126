"""The surface: queueing, refusing, starting, charging, ending."""

from dataclasses import replace

import pytest

from evenhand.model import EngineName, LaneName, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import (
    PRESETS,
    Lane,
    Policy,
    QueueLimits,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    TokenWeights,
    compose,
)

M = ModelName("m")
E1, E2 = EngineName("e1"), EngineName("e2")


def scheduler(*, window: int = 1, policy: Policy | None = None, **limits: int) -> Scheduler:
    tenants = (TenantShare(name="a"), TenantShare(name="b"))
    made = Scheduler(
        SchedulerSettings(
            tenants=tenants,
            policy=policy or compose(prediction="none"),
            limits=QueueLimits(**limits),
            output_tokens_default=50,
        )
    )
    made.engine_changed(E1, window=window, models=[M])
    return made


def request(name: str, *, size: int = 10, tokens: int | None = 10, **more: object) -> Request:
    return Request(
        id=RequestId(name),
        tenant=(name[0],),
        model=M,
        body_bytes=size,
        prompt_tokens=tokens,
        queue_wait_ms_max=1_000,
        **more,  # type: ignore[arg-type]
    )


def start(core: Scheduler, now_ms: int = 0) -> str | None:
    started = core.next(now_ms)
    return None if started is None else started.request.id


def test_the_least_served_tenant_goes_next() -> None:
    core = scheduler(window=10)
    for name in ("a1", "a2", "a3", "b1", "b2"):
        assert core.submit(request(name), 0).refused is None
    assert [start(core) for _ in range(6)] == ["a1", "b1", "a2", "b2", "a3", None]


def test_who_needs_not_wait_starts_at_once() -> None:
    core = scheduler(window=1)
    assert core.start_at_once(request("a1"), 0) == E1
    assert core.tree.root.service_units == 10 * 10
    assert core.start_at_once(request("a2"), 0) is None, "no slot"
    assert core.submit(request("a2"), 0).refused is None
    core.settle(RequestId("a1"), Usage(10, 0), Outcome.COMPLETED, 0)
    assert core.start_at_once(request("b1"), 0) is None, "another waits for that slot"
    assert start(core) == "a2"


def test_no_way_leads_past_the_limits_of_a_tenant() -> None:
    core = scheduler(tenant_bytes_max=30)
    assert core.start_at_once(request("a1", size=31), 0) is None
    refused = core.submit(request("a1", size=31), 0).refused
    assert refused is not None
    assert refused.outcome is Outcome.TENANT_QUEUE_FULL


def test_a_weight_of_two_gets_twice_as_much() -> None:
    tenants = (TenantShare(name="a", weight=2), TenantShare(name="b"))
    core = Scheduler(SchedulerSettings(tenants=tenants, policy=compose(prediction="none")))
    core.engine_changed(E1, window=9, models=[M])
    for index in range(9):
        core.submit(request(f"a{index}"), 0)
        core.submit(request(f"b{index}"), 0)
    started = [start(core) or "" for _ in range(9)]
    assert sum(name.startswith("a") for name in started) == 6


def test_a_request_waits_for_a_slot_of_an_engine_that_serves_its_model() -> None:
    core = scheduler()
    core.engine_changed(E2, window=5, models=[ModelName("other")])
    core.submit(request("a1"), 0)
    core.submit(request("a2"), 0)
    assert start(core) == "a1"
    assert start(core) is None
    core.settle(RequestId("a1"), Usage(10, 0), Outcome.COMPLETED, 0)
    assert start(core) == "a2"


def test_requests_go_to_the_engine_whose_window_is_least_filled() -> None:
    core = scheduler(window=2)
    core.engine_changed(E2, window=4, models=[M])
    for index in range(6):
        core.submit(request(f"a{index}"), 0)
    engines = [started.engine for _ in range(6) if (started := core.next(0))]
    assert engines.count(E1) == 2
    assert engines.count(E2) == 4
    assert engines[:3] == [E1, E2, E2]


def test_a_model_that_no_engine_serves_is_refused_at_once() -> None:
    core = scheduler(window=0)
    refusal = core.submit(request("a1"), 0).refused
    assert refusal is not None
    assert refusal.outcome is Outcome.NO_ENGINE


def test_the_tenants_own_limit_refuses_with_a_time_to_come_back() -> None:
    core = scheduler(tenant_requests_max=1)
    core.submit(request("a1"), 0)
    refusal = core.submit(request("a2"), 0).refused
    assert refusal is not None
    assert refusal.outcome is Outcome.TENANT_QUEUE_FULL
    assert refusal.retry_after_ms == 1_000
    assert core.submit(request("b1"), 0).refused is None


def test_a_tenants_bytes_are_bounded_too() -> None:
    core = scheduler(tenant_bytes_max=25)
    assert core.submit(request("a1", size=20), 0).refused is None
    assert core.submit(request("a2", size=20), 0).refused is not None


def test_at_the_global_limit_the_newest_of_the_tenant_furthest_over_its_share_goes() -> None:
    core = scheduler(requests_max=3)
    for name in ("a1", "a2", "a3"):
        core.submit(request(name), 0)
    submission = core.submit(request("b1"), 0)
    assert submission.refused is None, "the modest tenant is let in"
    assert [refusal.request.id for refusal in submission.shed] == ["a3"]
    own = core.submit(request("a4"), 0)
    assert own.refused is not None, "the flooding tenant's arrival goes itself"
    assert own.refused.outcome is Outcome.SHED
    assert own.shed == ()


def test_a_large_arrival_sheds_as_many_as_it_takes() -> None:
    core = scheduler(bytes_max=100)
    for index in range(5):
        core.submit(request(f"a{index}", size=20), 0)
    submission = core.submit(request("b1", size=50, tokens=1), 0)
    assert submission.refused is None
    assert [refusal.request.id for refusal in submission.shed] == ["a4", "a3", "a2"]


def test_a_refused_flood_is_told_when_its_queue_will_be_empty() -> None:
    core = scheduler(tenant_requests_max=10)
    for second in range(20):  # 100 units a second are served
        core.submit(request(f"b{second}"), second * 1000)
        assert start(core, second * 1000) == f"b{second}"
        core.settle(RequestId(f"b{second}"), Usage(10, 0), Outcome.COMPLETED, second * 1000)
    for index in range(10):
        core.submit(request(f"a{index}"), 20_000)
    refusal = core.submit(request("ax"), 20_000).refused
    assert refusal is not None
    assert refusal.retry_after_ms in range(9_000, 13_000)


def test_waiting_too_long_ends_a_request_and_running_does_not() -> None:
    core = scheduler()
    core.submit(request("a1"), 0)
    core.submit(request("a2"), 500)
    assert start(core) == "a1"
    assert core.next_expiry_ms() is not None
    assert core.expire(1_499) == ()
    (refusal,) = core.expire(1_500)
    assert refusal.request.id == "a2"
    assert refusal.outcome is Outcome.QUEUED_TOO_LONG
    assert core.expire(9_999) == ()


def test_a_cancelled_request_never_starts() -> None:
    core = scheduler()
    core.submit(request("a1"), 0)
    core.cancel(RequestId("a1"), 0)
    assert start(core) is None
    assert core.open_requests() == 0


def test_the_pick_is_charged_so_that_a_burst_is_not_free() -> None:
    core = scheduler(window=10, policy=compose(prediction="running-mean"))
    core.submit(request("a1"), 0)
    start(core)
    assert core.tree.root.service_units == 10 * 10 + 50 * 20


def test_live_tokens_cost_only_beyond_the_prediction() -> None:
    core = scheduler(window=10, policy=compose(prediction="running-mean"))
    core.submit(request("a1"), 0)
    start(core)
    at_pick = core.tree.root.service_units
    core.produced(RequestId("a1"), 50, 0)
    assert core.tree.root.service_units == at_pick
    core.produced(RequestId("a1"), 2, 0)
    assert core.tree.root.service_units == at_pick + 2 * 20


def test_settling_refunds_what_was_cached_and_what_was_not_produced() -> None:
    core = scheduler(window=10, policy=compose(prediction="running-mean"))
    core.submit(request("a1"), 0)
    start(core)
    usage = Usage(input_tokens=10, output_tokens=3, cached_input_tokens=8)
    settlement = core.settle(RequestId("a1"), usage, Outcome.COMPLETED, 0)
    assert settlement.units == 2 * 10 + 8 * 1 + 3 * 20
    assert core.tree.root.service_units == settlement.units


def test_a_prediction_never_exceeds_what_the_client_allows() -> None:
    core = scheduler(window=10, policy=compose(prediction="running-mean"))
    core.submit(request("a1", output_tokens_max=3, choices=2), 0)
    start(core)
    assert core.tree.root.service_units == 10 * 10 + 2 * 3 * 20


def test_predictions_follow_the_tenants_own_answers() -> None:
    core = scheduler(window=10, policy=compose(prediction="running-mean"))
    for index in range(30):
        core.submit(request(f"a{index}"), 0)
        start(core)
        core.settle(RequestId(f"a{index}"), Usage(10, 7), Outcome.COMPLETED, 0)
    core.submit(request("ax"), 0)
    start(core)
    assert core.expected_usage(RequestId("ax")).output_tokens == 7


def test_requests_that_may_have_no_output_teach_nothing_of_lengths() -> None:
    core = scheduler(window=9, policy=compose(prediction="running-mean"))
    for name, output_max, output in (("a1", None, 40), ("a2", 0, 0), ("b1", 0, 0)):
        core.submit(request(name, output_tokens_max=output_max), 0)
        assert start(core) == name
        if output_max == 0:
            assert core.expected_usage(RequestId(name)).output_tokens == 0
        core.settle(RequestId(name), Usage(10, output), Outcome.COMPLETED, 0)
    for name in ("a3", "b2"):
        core.submit(request(name), 0)
        assert start(core) == name
        assert core.expected_usage(RequestId(name)).output_tokens == 40


def test_the_models_bytes_per_token_are_learned() -> None:
    core = scheduler(window=10)
    for index in range(200):
        core.submit(request(f"a{index}", tokens=None, prompt_bytes=2_000), 0)
        start(core)
        core.settle(RequestId(f"a{index}"), Usage(1_000, 0), Outcome.COMPLETED, 0)
    core.submit(request("ax", tokens=None, prompt_bytes=100), 0)
    start(core)
    assert core.expected_usage(RequestId("ax")).input_tokens in (50, 51)


def test_no_estimate_exceeds_the_bytes_whatever_was_learned() -> None:
    core = scheduler(window=100)
    for index in range(50):  # templates and images: more tokens than bytes of text
        core.submit(request(f"b{index}", tokens=None, prompt_bytes=30), 0)
        start(core)
        core.settle(RequestId(f"b{index}"), Usage(1_500, 0), Outcome.COMPLETED, 0)
    core.submit(request("a1", tokens=None, prompt_bytes=4_000), 0)
    start(core)
    assert core.expected_usage(RequestId("a1")).input_tokens == 1_000


def test_a_failed_start_waits_first_in_line_for_another_engine_and_is_refunded() -> None:
    core = scheduler()
    core.engine_changed(E2, window=0, models=[M])
    core.submit(request("a1"), 0)
    core.submit(request("a2"), 0)
    assert start(core) == "a1"
    assert not core.try_again_elsewhere(RequestId("a1"), 0), "the other engine is down"
    core.engine_changed(E2, window=1, models=[M])
    assert core.try_again_elsewhere(RequestId("a1"), 0)
    assert core.tree.root.service_units == 0
    again = core.next(0)
    assert again is not None
    assert (again.request.id, again.engine) == ("a1", E2)
    assert not core.try_again_elsewhere(RequestId("a1"), 0), "two dispatches in all"


def test_those_that_come_back_from_a_failed_engine_keep_their_order() -> None:
    core = scheduler(window=3)
    for name in ("a1", "a2", "a3"):
        core.submit(request(name), 0)
        start(core)
    core.engine_changed(E1, window=0, models=[M])
    core.engine_changed(E2, window=3, models=[M])
    for name in ("a2", "a3", "a1"):
        assert core.try_again_elsewhere(RequestId(name), 0)
    assert [start(core) for _ in range(3)] == ["a1", "a2", "a3"]


def test_idling_banks_no_credit_and_erases_no_debt() -> None:
    core = scheduler()
    a, b = core.tree.leaf(("a",)), core.tree.leaf(("b",))
    for index in range(10):
        core.submit(request(f"a{index}"), 0)
        start(core)
        core.settle(RequestId(f"a{index}"), Usage(10, 10), Outcome.COMPLETED, 0)
    pool = core.capacity.pool(M)
    core.submit(request("b1"), 0)
    assert b.counter(pool) == a.counter(pool), "b was idle while a worked: it starts level"
    core.cancel(RequestId("b1"), 0)
    before = a.counter(pool)
    core.submit(request("ax"), 0)
    assert a.counter(pool) == before


M2 = ModelName("m2")


def two_models() -> Scheduler:
    """`g` is served long and well on one model, while `z` and `f` wait or idle elsewhere."""
    tenants = tuple(TenantShare(name=name) for name in "fgz")
    core = Scheduler(SchedulerSettings(tenants=tenants, policy=compose(prediction="none")))
    core.engine_changed(E1, window=1, models=[M])
    core.engine_changed(E2, window=1, models=[M2])
    return core


def serve_g(core: Scheduler, times: int) -> None:
    for index in range(times):
        core.submit(request(f"g{index}"), 0)
        start(core)
        core.settle(RequestId(f"g{index}"), Usage(1_000, 0), Outcome.COMPLETED, 0)


def starts_of_f_before_g(core: Scheduler) -> int:
    for index in range(20):
        core.submit(request(f"f{index}m1"), 0)
        core.submit(request(f"gx{index}"), 0)
    for count in range(20):
        name = start(core)
        assert name is not None
        if name.startswith("g"):
            return count
        core.settle(RequestId(name), Usage(10, 0), Outcome.COMPLETED, 0)
    return 20


def test_who_waits_for_another_model_does_not_lower_the_present() -> None:
    core = two_models()
    for name in ("z1", "z2"):
        core.submit(replace(request(name), model=M2), 0)
    assert start(core) == "z1"
    serve_g(core, 10)
    assert starts_of_f_before_g(core) <= 1


def test_waiting_for_one_model_banks_no_credit_on_another() -> None:
    core = two_models()
    for name in ("f1", "f2"):
        core.submit(replace(request(name), model=M2), 0)
    assert start(core) == "f1"
    serve_g(core, 10)
    assert starts_of_f_before_g(core) <= 1


def test_a_debt_on_one_model_survives_waiting_for_another() -> None:
    core = two_models()
    core.submit(replace(request("g"), model=M2), 0)
    core.submit(replace(request("gparked"), model=M2), 0)
    assert start(core) == "g"
    serve_g(core, 10)
    pool = core.capacity.pool(M)
    before = core.tree.leaf(("g",)).counter(pool)
    core.submit(request("f1"), 0)
    core.submit(request("g99"), 0)
    assert core.tree.leaf(("g",)).counter(pool) == before


def test_models_on_the_same_engines_compete_in_one_pool() -> None:
    core = scheduler(window=1)
    core.engine_changed(E1, window=1, models=[M, M2])
    for index in range(10):
        core.submit(request(f"a{index}"), 0)
        start(core)
        core.settle(RequestId(f"a{index}"), Usage(10, 10), Outcome.COMPLETED, 0)
    core.submit(replace(request("b1"), model=M2), 0)
    pool = core.capacity.pool(M)
    assert core.tree.leaf(("b",)).counter(pool) == core.tree.leaf(("a",)).counter(pool)


def test_at_the_byte_limit_the_largest_in_queue_goes_and_nobody_else() -> None:
    core = scheduler(window=1, bytes_max=1_000, tenant_bytes_max=1_000)
    core.submit(request("a0"), 0)
    start(core)
    for index in range(30):
        core.submit(request(f"a{index + 1}", size=10, tokens=500), 0)
    submission = core.submit(request("b1", size=900, tokens=1), 0)
    assert submission.refused is not None, "it is its own bytes that are too many"
    assert submission.shed == ()


def test_a_request_that_can_start_at_once_takes_nobodys_place_in_the_queue() -> None:
    core = two_models()
    core = Scheduler(replace(core.settings, limits=QueueLimits(requests_max=1)))
    core.engine_changed(E1, window=1, models=[M])
    core.engine_changed(E2, window=1, models=[M2])
    for name in ("g1", "g2"):
        core.submit(request(name), 0)
        start(core)
    submission = core.submit(replace(request("f1"), model=M2), 0)
    assert submission.refused is None
    assert submission.shed == ()
    assert start(core) == "f1"


def test_idle_time_does_not_lengthen_retry_after() -> None:
    core = scheduler(tenant_requests_max=10)
    for second in range(20):
        core.submit(request(f"b{second}"), second * 1000)
        start(core, second * 1000)
        core.settle(RequestId(f"b{second}"), Usage(10, 0), Outcome.COMPLETED, second * 1000)
    for index in range(10):
        core.submit(request(f"a{index}"), 60_000)
    refusal = core.submit(request("ax"), 60_000).refused
    assert refusal is not None
    assert refusal.retry_after_ms in range(9_000, 13_000)


def test_why_names_who_goes_first() -> None:
    core = scheduler()
    core.submit(request("a0", tokens=500), 0)
    core.submit(request("a1"), 0)
    core.submit(request("b1"), 0)
    start(core)
    waiting = core.why(RequestId("a1"), 250)
    assert waiting is not None
    assert waiting.gate == "own"
    assert waiting.waited_ms == 250
    assert [line.tenant for line in waiting.ahead] == [("b",)]
    started = core.why(RequestId("a0"), 0)
    assert started is not None
    assert (started.state, started.waited_ms, started.instead) == ("started", 0, ())
    assert core.why(RequestId("nobody"), 0) is None


@pytest.mark.parametrize("preset", ["fcfs", "vtc"])
def test_cost_counts_every_kind_of_token(preset: str) -> None:
    core = scheduler(policy=compose(preset))
    core.submit(request("a1"), 0)
    start(core)
    usage = Usage(input_tokens=7, output_tokens=5, cached_input_tokens=2)
    settlement = core.settle(RequestId("a1"), usage, Outcome.COMPLETED, 0)
    assert settlement.units == TokenWeights().of(usage) == 5 * 10 + 2 * 1 + 5 * 20


N = ModelName("n")


@pytest.mark.parametrize("preset", PRESETS)
def test_an_engine_that_joins_serves_who_waits_already(preset: str) -> None:
    core = scheduler(policy=compose(preset))
    for name in ("a1", "b1", "a2"):
        core.submit(request(name), 0)
    assert start(core) == "a1"
    assert start(core) is None
    core.engine_changed(E2, window=1, models=[M])
    assert (started := core.next(0)) is not None
    assert started.engine == E2


@pytest.mark.parametrize("preset", PRESETS)
def test_an_engine_starts_nothing_whose_model_it_serves_no_more(preset: str) -> None:
    core = scheduler(policy=compose(preset))
    core.submit(request("a1"), 0)
    core.engine_changed(E1, window=1, models=[N])
    assert core.next(0) is None
    core.engine_changed(E1, window=1, models=[M, N])
    assert start(core) == "a1"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_second_try_never_goes_back_to_an_engine_that_changed_its_models(preset: str) -> None:
    core = scheduler(policy=compose(preset))
    core.engine_changed(E2, window=1, models=[M])
    for name in ("a1", "a2"):
        core.submit(request(name), 0)
    first, second = core.next(0), core.next(0)
    assert first is not None
    assert second is not None
    assert core.try_again_elsewhere(first.request.id, 0)
    core.engine_changed(first.engine, window=1, models=[M, N])
    assert core.next(0) is None
    core.settle(second.request.id, Usage(10, 0), Outcome.COMPLETED, 0)
    again = core.next(0)
    assert again is not None
    assert (again.request, again.engine) == (first.request, second.engine)


def test_who_waits_keeps_its_place_when_engines_change_their_models() -> None:
    lanes = (Lane(name=LaneName("default"), ttft_ms_target=1_000),)
    settings = SchedulerSettings(tenants=(TenantShare(name="a"),), lanes=lanes)
    core = Scheduler(settings)
    core.engine_changed(E1, window=1, models=[M])
    core.engine_changed(E2, window=1, models=[N])
    order = [("a1", M), ("a2", N), ("a3", M), ("a4", N), ("a5", M), ("a6", N)]
    for now_ms, (name, model) in enumerate(order):
        core.submit(replace(request(name), model=model), now_ms)
    assert {start(core, 10), start(core, 10)} == {"a1", "a2"}
    core.engine_changed(E1, window=1, models=[M, N])
    core.engine_changed(E2, window=1, models=[M, N])
    assert core.lane_standings(12)[0].oldest_wait_ms == 10
    core.engine_changed(E1, window=5, models=[M, N])
    assert [start(core, 12) for _ in range(4)] == ["a3", "a4", "a5", "a6"]

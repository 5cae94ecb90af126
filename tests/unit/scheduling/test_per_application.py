"""What `wsc` charges: tokens over what the application is expected to use."""

import random

import pytest

from evenhand.model import ApplicationName, ModelName, Request, RequestId, Usage
from evenhand.scheduling import PRESETS, Scheduler, SchedulerSettings, TenantShare, compose
from evenhand.scheduling.cost.expectations import APPLICATIONS_MAX, Expectations
from evenhand.scheduling.cost.protocol import Cost, Work
from evenhand.scheduling.recorder import replay
from support.recorded_run import recorded

SIZES = {"small": 10, "middle": 100, "large": 700}
PLAIN_UNITS = 100 * 10 + 100 * 20


def cost_of(configured: dict[str, int] | None = None, **settings: int) -> Cost:
    units = {ApplicationName(name): units for name, units in (configured or {}).items()}
    made = SchedulerSettings(
        tenants=(TenantShare(name="a"),),
        policy=compose("wsc", settings=settings),
        application_units=units,
    )
    return Scheduler(made)._charges.cost


def request(application: str, model: str = "m") -> Request:
    return Request(
        id=RequestId("r"),
        tenant=("a",),
        model=ModelName(model),
        body_bytes=1,
        queue_wait_ms_max=1,
        application=ApplicationName(application),
    )


def learn(cost: Cost, application: str, tokens: int, *, times: int = 1) -> None:
    for _ in range(times):
        cost.learn(request(application), Usage(tokens, tokens), 0, 0)


def units(cost: Cost, application: str, tokens: int = 100, model: str = "m") -> int:
    return cost.units(Work(tokens, 0, tokens), cost.pin(request(application, model)))


@pytest.mark.parametrize("percent", [0, 50])
def test_an_average_call_of_any_application_costs_the_same(percent: int) -> None:
    cost, dice = cost_of(application_factor_max=1_000, expected_percent=percent), random.Random(1)
    charged: dict[str, int] = dict.fromkeys(SIZES, 0)
    plain = 0
    for _ in range(2_000):
        for application, size in SIZES.items():
            tokens = dice.randrange(size // 2, size * 3 // 2)
            charged[application] += units(cost, application, tokens)
            plain += tokens * 30
            learn(cost, application, tokens)
    assert max(charged.values()) <= 1.1 * min(charged.values())
    if not percent:
        assert sum(charged.values()) == pytest.approx(plain, rel=0.05), "readable figures"


def test_while_nothing_is_known_a_call_costs_its_weighted_tokens() -> None:
    cost = cost_of()
    assert units(cost, "new") == PLAIN_UNITS
    learn(cost, "other", 10, times=50)
    assert units(cost, "new") == PLAIN_UNITS, "a new application is taken for an average one"
    assert units(cost, "other", model="other model") == PLAIN_UNITS
    cost.learn(request("idle"), Usage(0, 0), 0, 0)
    assert units(cost, "idle") == PLAIN_UNITS, "no call"


def test_a_configured_expectation_is_not_learned() -> None:
    cost = cost_of({"set": 4 * PLAIN_UNITS})
    learn(cost, "set", 100, times=500)
    assert units(cost, "set") == PLAIN_UNITS // 4


def test_no_price_leaves_its_bounds() -> None:
    cost = cost_of({"cheap": 10**9, "dear": 1}, application_factor_max=5)
    learn(cost, "other", 100)
    assert units(cost, "cheap") == pytest.approx(PLAIN_UNITS / 5, abs=1)
    assert units(cost, "dear") == PLAIN_UNITS * 5 == cost.units_max(100, 100)


def test_expectations_are_bounded_in_number_and_the_idle_go_first() -> None:
    known = Expectations(configured={}, percent=0, memory_calls=10)
    for number in range(APPLICATIONS_MAX + 10):
        known.learn(ApplicationName("steady"), ModelName("m"), 5)
        known.learn(ApplicationName(f"a{number}"), ModelName("m"), 7)
    assert len(known._by_application) == APPLICATIONS_MAX
    assert known.of_application(ApplicationName("a0"), ModelName("m")) is None
    assert known.of_application(ApplicationName("steady"), ModelName("m")) == 5


def test_with_one_application_wsc_is_vtc() -> None:
    """Every call answered the same, charges and all."""

    def alike(dice: random.Random, request_id: RequestId, tenant: tuple[str, ...]) -> Request:
        return Request(
            id=request_id,
            tenant=tenant,
            model=ModelName("m1"),
            body_bytes=9,
            prompt_tokens=dice.randrange(300),
            queue_wait_ms_max=60_000,
        )

    tenants = tuple(TenantShare(name=name) for name in "abc")
    vtc, wsc = (
        SchedulerSettings(tenants=tenants, policy=compose(preset)) for preset in ("vtc", "wsc")
    )
    log = recorded(vtc, seed=2, steps=3_000, arrival=alike)
    assert replay(log, Scheduler(wsc)) == len(log)


def test_fairserve_counts_as_wsc_does() -> None:
    assert PRESETS["fairserve"].cost is PRESETS["wsc"].cost

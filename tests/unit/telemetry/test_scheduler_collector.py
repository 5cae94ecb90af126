"""The scheduler's numbers at scrape time: bounded series that sum up."""

import pytest

from evenhand.scheduling import Scheduler, TenantShare
from evenhand.telemetry import Metrics, SchedulerCollector
from support.samples import by_label, samples_of
from support.served_tenants import (
    ENGINE,
    MODEL,
    UNITS_PER_OUTPUT_TOKEN,
    scheduler_of,
    serve,
    submit,
)

TENANT_GAUGES = (
    "evenhand_tenant_service_units",
    "evenhand_tenant_queue_depth",
    "evenhand_tenant_in_flight",
    "evenhand_tenant_share_promised",
    "evenhand_tenant_share_received",
)


def scrape(scheduler: Scheduler, tenants_max: int) -> dict[str, dict[str, float]]:
    """Tenants' values by metric and tenant."""
    samples = samples_of(render(scheduler, tenants_max))
    return {name: by_label(samples, name, "tenant") for name in TENANT_GAUGES}


def render(scheduler: Scheduler, tenants_max: int) -> bytes:
    metrics = Metrics(models=[MODEL], version="0")
    metrics.registry.register(SchedulerCollector(scheduler, tenants_max=tenants_max))
    return metrics.render()


def test_queue_and_engines_are_read_live() -> None:
    scheduler = scheduler_of([TenantShare(name="a")], window=2)
    metrics = Metrics(models=[MODEL], version="0")
    metrics.registry.register(SchedulerCollector(scheduler, tenants_max=10))
    for _ in range(3):
        submit(scheduler, ("a",))
    scheduler.next(0)
    samples = samples_of(metrics.render())
    assert samples["evenhand_queue_depth", ()] == 2
    assert samples["evenhand_queue_bytes", ()] == 200
    engine = (("engine", ENGINE),)
    assert samples["evenhand_engine_in_flight", engine] == 1
    assert samples["evenhand_engine_window", engine] == 2
    assert samples["evenhand_engine_up", engine] == 1
    scheduler.engine_changed(ENGINE, window=0, models=[MODEL])
    samples = samples_of(metrics.render())
    assert samples["evenhand_engine_up", engine] == 0
    assert samples["evenhand_engine_in_flight", engine] == 1


def test_promised_shares_multiply_down_the_path() -> None:
    acme = TenantShare(
        name="acme",
        weight=3,
        children=(TenantShare(name="search", weight=2), TenantShare(name="mail", weight=1)),
    )
    scheduler = scheduler_of([acme, TenantShare(name="solo", weight=1)])
    serve(scheduler, ("acme", "mail"), 30)
    serve(scheduler, ("solo",), 10)
    submit(scheduler, ("acme", "search"))
    scheduler.next(0)
    submit(scheduler, ("acme", "search"))
    shown = scrape(scheduler, 10)
    assert shown["evenhand_tenant_share_promised"] == pytest.approx(
        {"acme/search": 0.5, "acme/mail": 0.25, "solo": 0.25}
    )
    units = shown["evenhand_tenant_service_units"]
    assert units["acme/mail"] == 30 * UNITS_PER_OUTPUT_TOKEN
    assert units["solo"] == 10 * UNITS_PER_OUTPUT_TOKEN
    total = sum(units.values())
    assert shown["evenhand_tenant_share_received"] == pytest.approx(
        {tenant: value / total for tenant, value in units.items()}
    )
    assert shown["evenhand_tenant_queue_depth"] == {"acme/search": 1, "acme/mail": 0, "solo": 0}
    assert shown["evenhand_tenant_in_flight"] == {"acme/search": 1, "acme/mail": 0, "solo": 0}


def test_before_any_service_nobody_has_received_a_share() -> None:
    shown = scrape(scheduler_of([TenantShare(name="a"), TenantShare(name="b")]), 10)
    assert shown["evenhand_tenant_share_received"] == {"a": 0, "b": 0}


def test_the_rest_is_summed_as_other() -> None:
    scheduler = scheduler_of([TenantShare(name=f"t{n}", weight=n + 1) for n in range(4)])
    for number in range(4):
        serve(scheduler, (f"t{number}",), 10 * (number + 1))
    submit(scheduler, ("t0",))
    shown = scrape(scheduler, 2)
    assert shown["evenhand_tenant_service_units"] == {"t3": 800, "t2": 600, "other": 600}
    assert shown["evenhand_tenant_share_promised"] == pytest.approx(
        {"t3": 0.4, "t2": 0.3, "other": 0.3}
    )
    assert shown["evenhand_tenant_share_received"] == pytest.approx(
        {"t3": 0.4, "t2": 0.3, "other": 0.3}
    )
    assert shown["evenhand_tenant_queue_depth"] == {"t3": 0, "t2": 0, "other": 1}


def test_a_tenant_that_is_called_other_keeps_its_own_series() -> None:
    scheduler = scheduler_of([TenantShare(name=name) for name in ("other", "a", "b")])
    serve(scheduler, ("other",), 5)
    serve(scheduler, ("a",), 1)
    units = scrape(scheduler, 1)["evenhand_tenant_service_units"]
    assert units == {"/other": 100, "other": 20}


def test_a_hundred_thousand_tenants_stay_bounded_and_sum_up() -> None:
    groups = [
        TenantShare(
            name=f"g{g}",
            weight=g % 7 + 1,
            children=tuple(TenantShare(name=f"t{t}") for t in range(1_000)),
        )
        for g in range(100)
    ]
    scheduler = scheduler_of(groups)
    served = {(f"g{n % 100}", f"t{n}"): n + 1 for n in range(300)}
    for path, output_tokens in served.items():
        serve(scheduler, path, output_tokens)
    for number in range(500):
        submit(scheduler, (f"g{number % 100}", f"t{number}"))
    while scheduler.next(0) is not None:
        pass
    shown = scrape(scheduler, 100)
    assert all(len(values) == 101 for values in shown.values())
    totals = {name: sum(values.values()) for name, values in shown.items()}
    root = scheduler.tree.root
    assert totals["evenhand_tenant_service_units"] == root.service_units
    assert totals["evenhand_tenant_queue_depth"] == scheduler.backlog.requests == 496
    assert totals["evenhand_tenant_in_flight"] == 4
    assert totals["evenhand_tenant_share_promised"] == pytest.approx(1)
    assert totals["evenhand_tenant_share_received"] == pytest.approx(1)
    least_named = min(
        value for t, value in shown["evenhand_tenant_service_units"].items() if t != "other"
    )
    named = shown["evenhand_tenant_service_units"].keys()
    others = [
        leaf
        for path in served
        if "/".join(path) not in named
        for leaf in [scheduler.tree.leaf(path)]
    ]
    assert all(leaf.service_units <= least_named for leaf in others)


def test_errors_of_predictions_are_counted_by_direction() -> None:
    scheduler = scheduler_of([TenantShare(name="a")])
    for output_tokens in (56, 156):  # 256 are predicted by default, then 56
        serve(scheduler, ("a",), output_tokens)
    samples = samples_of(render(scheduler, 10))
    assert samples["evenhand_prediction_answers_total", (("model", MODEL),)] == 2
    error = "evenhand_prediction_error_tokens_total"
    assert samples[error, (("direction", "over"), ("model", MODEL))] == 200
    assert samples[error, (("direction", "under"), ("model", MODEL))] == 100

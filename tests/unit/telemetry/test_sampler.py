"""Samples tell what the scheduler did in each second."""

import gc
import time

import orjson

from evenhand.gateway.admin import EngineStatus
from evenhand.model import EngineReport
from evenhand.scheduling import AddTenant, RemoveTenant, TenantShare, TreePlan
from evenhand.telemetry.samples import RestSample, TenantSample, sample_json
from evenhand.telemetry.samples.history import OLD_TENANTS_MAX, SAMPLES_MAX, WHOLE_SAMPLES
from support.sampled import SampledScheduler, row
from support.served_tenants import ENGINE

A_AND_B = (TenantShare(name="a"), TenantShare(name="b", weight=3))


def test_a_second_of_work_is_told_tenant_by_tenant() -> None:
    world = SampledScheduler(A_AND_B)
    world.ask(("a",), 1)
    world.ask(("b",), 3)
    world.start()
    world.end_all(output_tokens=100)
    sample = world.second()
    a, b = row(sample, "a"), row(sample, "b")
    assert (a.units, b.units) == (2_000, 6_000)
    assert (a.units_total, b.units_total) == (2_000, 6_000)
    assert (a.received_ppm, b.received_ppm) == (250_000, 750_000)
    assert (a.promised_ppm, b.promised_ppm) == (250_000, 750_000)
    assert (a.entitled_ppm, b.entitled_ppm) == (250_000, 750_000)
    assert sample.units == sample.units_total == 8_000
    assert sample.rest is None
    quiet = world.second()
    assert [(one.units, one.received_ppm, one.units_total) for one in quiet.tenants] == [
        (0, 0, 2_000),
        (0, 0, 6_000),
    ]
    assert quiet.units == 0


def test_units_of_all_seconds_add_up_to_the_counters() -> None:
    world = SampledScheduler(A_AND_B, window=3)
    seen: dict[tuple[str, ...], int] = {("a",): 0, ("b",): 0}
    whole = 0
    for step in range(20):
        world.ask(("a",) if step % 3 else ("b",), 2)
        world.start()
        if step % 2:
            world.end_all(output_tokens=step * 7)  # charges are corrected both ways
        sample = world.second()
        for one in sample.tenants:
            seen[one.path] += one.units
        whole += sample.units
    tree = world.scheduler.tree
    assert seen == {path: tree.leaf(path).service_units for path in seen}
    assert whole == tree.root.service_units


def test_who_waits_is_told_how_long() -> None:
    world = SampledScheduler(A_AND_B, window=1)
    world.ask(("a",), 3)
    world.start()
    sample = world.second()
    a = row(sample, "a")
    assert (a.queued, a.running, a.oldest_wait_ms) == (2, 1, 1_000)
    assert sample.oldest_wait_ms == 1_000
    assert sample.queue_requests == 2
    assert sample.backlogged_tenants == 1
    assert row(world.second(), "a").oldest_wait_ms == 2_000


def test_one_who_asks_for_little_is_due_little_and_the_others_the_rest() -> None:
    world = SampledScheduler((TenantShare(name="little"), TenantShare(name="much")), window=1)
    world.ask(("little",), 1)
    world.ask(("much",), 50)
    for _ in range(5):
        world.start()
        world.end_all()
    sample = world.second()
    assert row(sample, "little").entitled_ppm == 200_000
    assert row(sample, "much").entitled_ppm == 800_000


def test_a_fair_backlog_has_index_one_and_a_starved_one_much_less() -> None:
    world = SampledScheduler(A_AND_B, window=4)
    world.ask(("a",), 400)
    world.ask(("b",), 400)
    for _ in range(12):
        for _ in range(6):
            world.start()
            world.end_all()
        fair = world.second()
    assert fair.jain_1s_ppm is not None
    assert fair.jain_1s_ppm > 980_000
    assert fair.jain_5min_ppm is not None
    assert fair.jain_5min_ppm > 999_000
    world.scheduler.hold_back(("a",))
    for _ in range(6):
        world.start()
        world.end_all()
    starved = world.second()
    assert starved.jain_1s_ppm == 500_000  # of two, one has everything


def test_fairness_is_not_spoken_of_where_nobody_competes() -> None:
    world = SampledScheduler(A_AND_B)
    assert world.second().jain_1s_ppm is None
    world.ask(("a",), 20)
    world.start()
    world.second()
    assert world.second().jain_1s_ppm is None


def test_fairness_is_not_judged_by_who_is_due_less_than_some_requests() -> None:
    """A hundred wait at four slots: in a second most get nothing, which says nothing."""
    tenants = [TenantShare(name=f"t{number:02}") for number in range(100)]
    world = SampledScheduler(tenants)
    for tenant in tenants:
        world.ask((tenant.name,), 80)
    seen = []
    for second in range(60):
        for _ in range(5):
            world.start()
            world.end_all()
        seen.append(world.second())
        assert seen[-1].jain_1s_ppm is None, second
    assert seen[10].jain_5min_ppm is None
    assert seen[-1].jain_5min_ppm is not None
    assert seen[-1].jain_5min_ppm > 940_000


def test_beyond_the_bound_the_rest_is_summed_and_who_starves_keeps_a_row() -> None:
    tenants = [TenantShare(name=f"t{number:02}") for number in range(20)]
    world = SampledScheduler(tenants, window=1, tenants_max=6)
    for number in range(20):
        world.ask((f"t{number:02}",), 2)
        world.at_ms += 10
    for _ in range(15):
        world.start()
        world.end_all()
    sample = world.second()
    assert len(sample.tenants) == 6
    assert sample.rest is not None
    assert sample.rest.tenants == 14
    assert ("t00",) in [one.path for one in sample.tenants]
    rows: list[TenantSample | RestSample] = [*sample.tenants, sample.rest]
    assert sum(one.units for one in rows) == sample.units
    assert sum(one.queued for one in rows) == sample.queue_requests
    assert abs(sum(one.promised_ppm for one in rows) - 1_000_000) <= 6
    whole = world.sampler.beneath(())
    assert len(whole) == 6  # bounded as well


def test_idle_tenants_are_shown_while_there_is_room() -> None:
    world = SampledScheduler([TenantShare(name=f"t{number}") for number in range(50)])
    world.ask(("t49",))
    world.start()
    sample = world.second()
    assert len(sample.tenants) == 32
    assert row(sample, "t49").running == 1
    assert sample.rest is not None
    assert sample.rest.tenants == 18


def test_a_quarter_of_an_hour_is_remembered_and_the_older_part_is_thin() -> None:
    tenants = [TenantShare(name=f"t{number}") for number in range(OLD_TENANTS_MAX + 8)]
    world = SampledScheduler(tenants, window=64)
    for tenant in tenants:
        world.ask((tenant.name,))
    world.start()
    for _ in range(SAMPLES_MAX + 50):
        world.second()
    found = world.sampler.since(-1)
    assert len(found) == SAMPLES_MAX
    assert [one.seq for one in found] == list(range(51, SAMPLES_MAX + 51))
    assert [one.seq for one in world.sampler.since(SAMPLES_MAX + 47)] == [948, 949, 950]
    assert world.sampler.since(SAMPLES_MAX + 50) == []
    assert len(found[-WHOLE_SAMPLES].tenants) == len(tenants)
    thin = found[-WHOLE_SAMPLES - 1]
    assert len(thin.tenants) == OLD_TENANTS_MAX
    assert thin.rest is not None
    assert thin.rest.tenants == 8
    assert thin.rest.running == 8


def test_kv_shares_are_of_the_cache_where_its_size_is_told() -> None:
    report = EngineReport(block_tokens=16, blocks=100)
    engine = EngineStatus(ENGINE, is_up=True, reason="answers", report=report)
    world = SampledScheduler(A_AND_B, engines_shown=[engine])
    world.ask(("a",), 1)
    world.start()
    tokens = world.tokens_in_flight()["a",]
    assert tokens > 0
    sample = world.second()
    assert row(sample, "a").kv_ppm == min(1_000_000, tokens * 1_000_000 // 1_600)
    assert row(sample, "b").kv_ppm == 0


def test_kv_shares_are_parts_of_what_is_taken_where_only_that_is_told() -> None:
    report = EngineReport(kv_used_permille=400)
    engine = EngineStatus(ENGINE, is_up=True, reason="answers", report=report)
    world = SampledScheduler(A_AND_B, engines_shown=[engine])
    world.ask(("a",), 1)
    world.ask(("b",), 1)
    world.start()
    sample = world.second()
    assert (row(sample, "a").kv_ppm, row(sample, "b").kv_ppm) == (200_000, 200_000)
    silent = SampledScheduler(A_AND_B)
    assert row(silent.second(), "a").kv_ppm is None


def test_the_tree_may_change_between_two_seconds() -> None:
    world = SampledScheduler(A_AND_B)
    world.ask(("a",))
    world.start()
    world.end_all()
    world.second()
    plan = world.scheduler.plan([RemoveTenant(("a",)), AddTenant((), TenantShare(name="c"))])
    assert isinstance(plan, TreePlan)
    world.scheduler.apply(plan)
    world.ask(("c",))
    world.start()
    sample = world.second()
    assert [one.path for one in sample.tenants] == [("b",), ("c",)]
    assert row(sample, "c").promised_ppm == 250_000


def test_a_sample_is_json() -> None:
    world = SampledScheduler(A_AND_B)
    world.ask(("a",))
    world.start()
    told = orjson.loads(orjson.dumps(sample_json(world.second())))
    assert told["tenants"][0]["path"] == "a"
    assert told["engines"][0]["name"] == ENGINE
    assert told["seq"] == 1


def cpu_of_a_tick(world: SampledScheduler) -> float:
    """In milliseconds; the best of some."""
    best = 1e9
    gc.collect()
    for _ in range(5):
        begun = time.process_time()
        world.second()
        best = min(best, (time.process_time() - begun) * 1000)
    return best


def main() -> None:
    """What a tick costs: python tests/unit/telemetry/test_sampler.py."""
    for leaves, active, tenants_max in (
        *((1_000, 1_000, 100), (1_000, 1_000, 1_000)),
        *((100_000, 1_000, 100), (100_000, 10_000, 100)),
    ):
        world = SampledScheduler(
            [TenantShare(name=f"t{number}") for number in range(leaves)], tenants_max=tenants_max
        )
        for number in range(active):
            world.ask((f"t{number}",), 2)
        world.start()
        world.second()
        print(leaves, active, tenants_max, f"{cpu_of_a_tick(world):.2f} ms")


if __name__ == "__main__":
    main()

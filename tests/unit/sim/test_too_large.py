"""An ask that no engine could ever hold is refused by itself; the others are served."""

import pytest

from evenhand.scheduling import PRESETS, TenantShare
from evenhand.sim.fleet import fleet_of
from evenhand.sim.profile import load_profile
from evenhand.sim.run_record import Fate
from evenhand.workloads.ask import Ask
from evenhand.workloads.workload import Workload


def ask(number: int, tokens: int, *, after: tuple[int, ...] = (), is_awaited: bool = False) -> Ask:
    return Ask(
        id=number,
        at_ms=0.0,
        tenant=("a",),
        input_tokens=tokens,
        output_tokens=10,
        after=after,
        is_awaited=is_awaited,
    )


@pytest.mark.parametrize("profile", ["h100-llama-3.1-8b", "a10g-llama-2-7b"])
@pytest.mark.parametrize("engines", [1, 2])
def test_it_is_refused_and_what_waits_for_it_is_never_sent(profile: str, engines: int) -> None:
    asks = [ask(0, 100), ask(1, 500_000, is_awaited=True), ask(2, 100, after=(1,)), ask(3, 100)]
    workload = Workload(name="w", tenants=(TenantShare(name="a"),), asks=asks, size=4)
    engine = load_profile(profile)
    record = fleet_of(workload, PRESETS["vtc"], engine, engines=engines).run()
    fates = dict(zip(record.ask, record.fate, strict=True))
    assert fates == {
        0: Fate.COMPLETED,
        1: Fate.REFUSED,
        2: Fate.NEVER_SENT,
        3: Fate.COMPLETED,
    }

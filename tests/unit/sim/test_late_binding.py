"""A gateway binds late: who goes first waits behind a step of prompts in the engine, no more."""

from evenhand.scheduling import PRESETS, TenantShare
from evenhand.sim.fleet import at_gateway
from evenhand.sim.profile import load_profile
from evenhand.sim.run_record import RunRecord
from evenhand.workloads.ask import Ask
from evenhand.workloads.workload import Workload

PROFILE = load_profile("h100-llama-3.1-8b")
BURST = 100
DOCUMENT = 8000


def burst_and_guest() -> Workload:
    """One tenant sends a hundred long prompts at once, another a short one right after."""
    burst = [
        Ask(
            id=n,
            at_ms=0,
            tenant=("burst",),
            input_tokens=DOCUMENT,
            output_tokens=100,
            is_awaited=True,
        )
        for n in range(BURST)
    ]
    more = [
        Ask(
            id=BURST + n,
            at_ms=0,
            tenant=("burst",),
            input_tokens=DOCUMENT,
            output_tokens=100,
            after=(n,),
        )
        for n in range(BURST)
    ]
    guests = [
        Ask(
            id=2 * BURST + n,
            at_ms=10 + 1000 * n,
            tenant=("guest",),
            input_tokens=50,
            output_tokens=5,
        )
        for n in range(20)
    ]
    return Workload(
        name="burst and guest",
        tenants=(TenantShare(name="burst"), TenantShare(name="guest")),
        asks=(*burst, *more, *guests),
        size=2 * BURST + len(guests),
    )


def waits_ms(record: RunRecord, tenant: str) -> list[float]:
    number = record.tenants.number((tenant,))
    return [
        record.first_token_ms[row] - record.arrived_ms[row]
        for row in range(len(record))
        if record.tenant[row] == number
    ]


def test_a_guest_does_not_wait_behind_a_burst_that_came_at_one_moment() -> None:
    """Two documents at most are ahead: the one in prefill, and one in the engine's own queue."""
    fleet = at_gateway(burst_and_guest(), PRESETS["vtc"], PROFILE, engines=1)
    record = fleet.run()
    two_documents_ms = 2 * PROFILE.step.step_ms(DOCUMENT, 60, 60 * DOCUMENT, DOCUMENT**2 / 2)
    assert max(waits_ms(record, "guest")) < 2 * two_documents_ms
    assert max(waits_ms(record, "burst")) > 10 * two_documents_ms


def test_first_come_first_served_lets_the_guest_wait_for_the_burst() -> None:
    record = at_gateway(burst_and_guest(), PRESETS["fcfs"], PROFILE, engines=1).run()
    assert max(waits_ms(record, "guest")) > 5000

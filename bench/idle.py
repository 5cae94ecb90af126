"""What a tenant occupies that has been served once and asks for nothing."""

import gc
import tracemalloc

from bench.decisions import request, scheduler
from evenhand.model import Outcome, TenantPath, Usage
from evenhand.scheduling import TenantShare


def idle_tenant_bytes(preset: str, tenants: int) -> float:
    """Of the core's memory, its configuration included."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        shares = tuple(TenantShare(name=f"tenant-{number}") for number in range(tenants))
        core = scheduler(preset, shares, in_flight=1)
        for number in range(tenants):
            asked = request(number, TenantPath((f"tenant-{number}",)))
            assert core.submit(asked, number).refused is None
            assert core.next(number) is not None
            core.produced(asked.id, 1, number)
            core.settle(asked.id, Usage(500, 1), Outcome.COMPLETED, number)
        del asked
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert core.open_requests() == 0
    return (after - before) / tenants

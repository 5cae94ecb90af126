"""What a tenant's key is told of a sample: its own leaves, and nothing of anybody else."""

from typing import Any

from evenhand.model import TenantPath
from evenhand.telemetry.samples import Sample, TenantSample, tenant_json


def tenant_slice(sample: Sample, tenant: TenantPath) -> dict[str, Any]:
    """Bounded by the leaves of that node. Sums over others are left out: who is alone with one other
    could read that one's figures off them."""
    return {
        "seq": sample.seq,
        "at_ms": sample.at_ms,
        "interval_ms": sample.interval_ms,
        "tenants": [tenant_json(row) for row in sample.tenants if is_of(row, tenant)],
    }


def is_of(row: TenantSample, tenant: TenantPath) -> bool:
    """Whether the leaf is that node, or beneath it."""
    return row.path[: len(tenant)] == tenant

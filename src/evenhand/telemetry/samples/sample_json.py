"""A sample as JSON: the pages, the live events and `evenhand top` all read this form."""

from typing import Any

from evenhand.telemetry.samples.sample import Sample, TenantSample


def sample_json(sample: Sample) -> dict[str, Any]:
    """Everything in it. A tenant's path is joined by slashes."""
    return {
        "seq": sample.seq,
        "at_ms": sample.at_ms,
        "interval_ms": sample.interval_ms,
        "tenants": [tenant_json(tenant) for tenant in sample.tenants],
        "rest": None if sample.rest is None else sample.rest._asdict(),
        "active_tenants": sample.active_tenants,
        "backlogged_tenants": sample.backlogged_tenants,
        "lanes": [lane._asdict() for lane in sample.lanes],
        "engines": [engine._asdict() for engine in sample.engines],
        "queue": {
            "requests": sample.queue_requests,
            "bytes": sample.queue_bytes,
            "oldest_wait_ms": sample.oldest_wait_ms,
        },
        "open_requests": sample.open_requests,
        "units": sample.units,
        "units_total": sample.units_total,
        "counts": sample.counts._asdict(),
        "since_last": sample.since_last._asdict(),
        "jain_1s_ppm": sample.jain_1s_ppm,
        "jain_5min_ppm": sample.jain_5min_ppm,
        "dominant": None if sample.dominant is None else "/".join(sample.dominant),
        "dominant_ppm": sample.dominant_ppm,
    }


def tenant_json(tenant: TenantSample) -> dict[str, Any]:
    """One row of it."""
    return tenant._asdict() | {"path": "/".join(tenant.path)}

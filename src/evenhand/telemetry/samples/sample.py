"""What one second looked like: per tenant, per lane, per engine, and in all.

Shares are parts per million of all service of that second, times are milliseconds, service is in units.
Whole numbers only, so that a sample is the same wherever it is shown.
"""

from dataclasses import dataclass
from typing import NamedTuple

from evenhand.model import EngineName, LaneName, TenantPath
from evenhand.telemetry.metrics import Counts


class TenantSample(NamedTuple):
    """A leaf of the share tree.

    `promised_ppm` is its part while everybody is active, `entitled_ppm` what a max-min division of this
    second's service among those who asked for any gives it, `received_ppm` what it got. `units` is how
    much its counter has moved in the second (less than 0: an estimate was corrected downward),
    `units_total` where it stands. `kv_ppm` estimates the part of the engines' memory that its requests
    hold. The quantiles are of the last half minute to a minute; None: nothing came in that time, or the
    tenant has no histograms of its own.
    """

    path: TenantPath
    weight: int
    promised_ppm: int
    entitled_ppm: int | None
    received_ppm: int
    units: int
    units_total: int
    queued: int
    running: int
    oldest_wait_ms: int
    kv_ppm: int | None = None
    wait_p99_ms: int | None = None
    ttft_p50_ms: int | None = None
    ttft_p99_ms: int | None = None
    inter_token_p50_ms: int | None = None
    inter_token_p99_ms: int | None = None


class RestSample(NamedTuple):
    """The sum over so many leaves that have no row of their own."""

    tenants: int
    promised_ppm: int
    received_ppm: int
    units: int
    units_total: int
    queued: int
    running: int


class LaneSample(NamedTuple):
    """A lane at the end of the second."""

    name: LaneName
    queued: int
    running: int
    oldest_wait_ms: int
    floor_slots: int
    ceiling_slots: int


class EngineSample(NamedTuple):
    """An engine at the end of the second. `waiting_inside` and `kv_used_permille` are its own words;
    None: it does not say. `preemptions` counts since it started, in its own words as well."""

    name: EngineName
    up: bool
    reason: str
    drained: bool
    circuit: str
    in_flight: int
    window: int
    waiting_inside: int | None
    kv_used_permille: int | None
    preemptions: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One second. `at_ms` is the wall clock's, `interval_ms` how long the second was. `dominant` is who
    received most in the last minute, and how much of all (ppm). The indexes of fairness are None while
    fewer than two tenants were backlogged (jain.md)."""

    seq: int
    at_ms: int
    interval_ms: int
    tenants: tuple[TenantSample, ...]
    rest: RestSample | None
    active_tenants: int
    backlogged_tenants: int
    lanes: tuple[LaneSample, ...]
    engines: tuple[EngineSample, ...]
    queue_requests: int
    queue_bytes: int
    oldest_wait_ms: int
    open_requests: int
    units: int
    units_total: int
    counts: Counts
    since_last: Counts
    jain_1s_ppm: int | None
    jain_5min_ppm: int | None
    dominant: TenantPath | None
    dominant_ppm: int

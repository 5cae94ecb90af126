"""Samples: one a second, of who was promised, was due and received what. They feed the pages, the
alarms, `evenhand top` and Prometheus alike."""

from evenhand.telemetry.samples.clock import SampleClock
from evenhand.telemetry.samples.sample import (
    EngineSample,
    LaneSample,
    RestSample,
    Sample,
    TenantSample,
)
from evenhand.telemetry.samples.sample_json import sample_json, tenant_json
from evenhand.telemetry.samples.sampler import Sampler
from evenhand.telemetry.samples.source import Source

__all__ = [
    "EngineSample",
    "LaneSample",
    "RestSample",
    "Sample",
    "SampleClock",
    "Sampler",
    "Source",
    "TenantSample",
    "sample_json",
    "tenant_json",
]

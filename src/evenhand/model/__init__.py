"""The words everybody shares: ids, usage, requests, outcomes.

Lives here: value types without behaviour of their own.
May import: the standard library's pure parts.
Promises: no clock, no randomness, no I/O; every ending a request can have is in `outcome.py`.
"""

from evenhand.model.engine_report import EngineReport
from evenhand.model.ids import (
    ApplicationName,
    EngineName,
    InteractionId,
    KeyId,
    LaneName,
    ModelName,
    RequestId,
    TenantPath,
    TrustDomain,
)
from evenhand.model.outcome import ENDINGS, Ending, Outcome
from evenhand.model.request import Request
from evenhand.model.usage import NO_USAGE, Usage

__all__ = [
    "ENDINGS",
    "NO_USAGE",
    "ApplicationName",
    "Ending",
    "EngineName",
    "EngineReport",
    "InteractionId",
    "KeyId",
    "LaneName",
    "ModelName",
    "Outcome",
    "Request",
    "RequestId",
    "TenantPath",
    "TrustDomain",
    "Usage",
]

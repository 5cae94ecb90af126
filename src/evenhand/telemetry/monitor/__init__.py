"""The monitor: profiles of applications, their drift, and suspected abuse with its evidence."""

from evenhand.telemetry.monitor.monitor import Monitor
from evenhand.telemetry.monitor.profile import Drifted, Profile, Who
from evenhand.telemetry.monitor.signs import FORGED_MEMBERS, TELLING_HEADERS, forges, resends
from evenhand.telemetry.monitor.suspicion import Suspicion

__all__ = [
    "FORGED_MEMBERS",
    "TELLING_HEADERS",
    "Drifted",
    "Monitor",
    "Profile",
    "Suspicion",
    "Who",
    "forges",
    "resends",
]

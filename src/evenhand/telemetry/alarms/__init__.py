"""Alarms: what is wrong, found in the samples, raised once it has lasted."""

from evenhand.telemetry.alarms.alarm import DO, Alarm, Found, Kind
from evenhand.telemetry.alarms.alarms import Alarms
from evenhand.telemetry.alarms.settings import AlarmSettings

__all__ = ["DO", "Alarm", "AlarmSettings", "Alarms", "Found", "Kind"]

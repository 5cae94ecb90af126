"""What is seen from outside: metrics, one log line per request, the lag of the event loop.

Lives here: the record of an ended request, its log line, its counters, the scrape of the scheduler.
May import: `scheduling`, `wire`, `model`, orjson, prometheus_client; no web framework.
Promises: label sets are bounded, a line is one line, no prompt and no secret, no wait on a sink.
"""

from evenhand.telemetry.background_sink import fd_sink
from evenhand.telemetry.budget_collector import BudgetCollector
from evenhand.telemetry.certificate_collector import CertificateCollector
from evenhand.telemetry.gpu_collector import GpuCollector
from evenhand.telemetry.health_collector import HealthCollector
from evenhand.telemetry.histogram import SecondsHistogram
from evenhand.telemetry.lane_collector import LaneCollector
from evenhand.telemetry.ledger_collector import LedgerCollector
from evenhand.telemetry.log_bridge import LogBridge
from evenhand.telemetry.loop_lag import LoopLag
from evenhand.telemetry.metrics import CONTENT_TYPE, Metrics
from evenhand.telemetry.model_metrics import ModelMetrics
from evenhand.telemetry.observed_collector import ObservedCollector
from evenhand.telemetry.prefix_collector import PrefixCollector
from evenhand.telemetry.record import RequestRecord
from evenhand.telemetry.request_log import RequestLog
from evenhand.telemetry.rolling_file import RollingFile
from evenhand.telemetry.scheduler_collector import SchedulerCollector
from evenhand.telemetry.signal_collector import SignalCollector
from evenhand.telemetry.standings import Standing, Standings
from evenhand.telemetry.traffic_log import TrafficLog
from evenhand.telemetry.window_collector import WindowCollector

__all__ = [
    "CONTENT_TYPE",
    "BudgetCollector",
    "CertificateCollector",
    "GpuCollector",
    "HealthCollector",
    "LaneCollector",
    "LedgerCollector",
    "LogBridge",
    "LoopLag",
    "Metrics",
    "ModelMetrics",
    "ObservedCollector",
    "PrefixCollector",
    "RequestLog",
    "RequestRecord",
    "RollingFile",
    "SchedulerCollector",
    "SecondsHistogram",
    "SignalCollector",
    "Standing",
    "Standings",
    "TrafficLog",
    "WindowCollector",
    "fd_sink",
]

"""What looks at the gateway once a second, and the pages that tell of it."""

from evenhand.cli.config import Config
from evenhand.cli.config.alarms import Alarms as AlarmSection
from evenhand.gateway.admin import (
    Page,
    alarm_json,
    alarms_pages,
    monitor_pages,
    samples_pages,
)
from evenhand.gateway.status import GatewayStatus
from evenhand.telemetry import RequestLog
from evenhand.telemetry.alarm_collector import AlarmCollector
from evenhand.telemetry.alarms import Alarm, Alarms, AlarmSettings, Found, Kind
from evenhand.telemetry.monitor import Monitor
from evenhand.telemetry.sample_collector import SampleCollector
from evenhand.telemetry.samples import Sample, SampleClock, Sampler


class Sight:
    """Made once; its `clock` runs while the gateway serves."""

    def __init__(
        self, config: Config, status: GatewayStatus, log: RequestLog, monitor: Monitor
    ) -> None:
        self.monitor = monitor
        self.sampler = Sampler(status, tenants_max=config.limits.metrics_tenants_max)
        self.clock = SampleClock(self.sampler.tick, between=monitor.take)

        def told(alarm: Alarm) -> None:
            log.event("alarm" if alarm.ended_ms is None else "alarm_ended", **alarm_json(alarm))

        def ledger(_: Sample) -> list[Found]:
            why = status.ledger_closed_because
            what = f"the usage ledger cannot be written: {why}"
            return [] if why is None else [Found(Kind.LEDGER_CLOSED, 1, 1, "", what)]

        settings = alarm_settings(config.alarms)
        self.alarms = Alarms(settings, on_change=told, others=[monitor.look, ledger])
        self.sampler.then(self.alarms.look)
        status.metrics.registry.register(SampleCollector(lambda: self.sampler.latest))
        status.metrics.registry.register(AlarmCollector(self.alarms))

    def pages(self) -> list[Page]:
        """All of them."""
        return [
            *samples_pages(self.sampler),
            *alarms_pages(self.alarms),
            *monitor_pages(self.monitor),
        ]


def alarm_settings(section: AlarmSection) -> AlarmSettings:
    """In whole milliseconds and parts per million."""
    return AlarmSettings(
        for_ms=int(section.for_s * 1000),
        ttft_p99_ms=_ms(section.ttft_p99_s),
        inter_token_p99_ms=_ms(section.inter_token_p99_s),
        queue_wait_p99_ms=_ms(section.queue_wait_p99_s),
        oldest_wait_ms=_ms(section.oldest_wait_s),
        kv_share_ppm=_ppm(section.kv_share_percent),
        dominant_share_ppm=_ppm(section.dominant_share_percent),
        fairness_5min_ppm=_ppm(section.fairness_5min_percent),
        fairness_1s_ppm=_ppm(section.fairness_1s_percent),
        preemptions_per_minute=section.preemptions_per_minute,
    )


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)


def _ppm(percent: int | None) -> int | None:
    return None if percent is None else percent * 10_000

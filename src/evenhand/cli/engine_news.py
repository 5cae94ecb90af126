"""What is found out about engines reaches the gateway and its log here."""

from evenhand.cli.engine_crew import EngineCrew
from evenhand.gateway.counts import CountKeeper
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.gateway.engine_caches import EngineCaches
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.engine_window import EngineWindows
from evenhand.model import EngineReport
from evenhand.telemetry import RequestLog


class EngineNews:
    """Passes on what the crew finds, once it `follow`s it."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        windows: EngineWindows,
        caches: EngineCaches,
        log: RequestLog,
        counts: CountKeeper | None,
    ) -> None:
        self._allowances = dispatcher.allowances
        self._windows = windows
        self._caches = caches
        self._log = log
        self._counts = counts

    def follow(self, crew: EngineCrew) -> None:
        """From here on, beginning with what is up at this moment."""
        crew.watch(
            lambda link, is_up, reason: self._windows.changed(link, is_up=is_up, reason=reason),
            on_report=self._reported,
            on_restart=self._restarted,
            on_signals=self._signals,
        )

    def _reported(self, link: EngineLink, report: EngineReport | None) -> None:
        self._caches.heard(link, report)
        self._windows.heard(link, report)
        if report is not None and link.report_ms is not None:
            self._allowances.reported(link, report, link.report_ms)
            if self._counts is not None:
                self._counts.reported(link, report, link.report_ms)

    def _restarted(self, link: EngineLink, evidence: str) -> None:
        self._caches.emptied(link)
        self._allowances.restarted(link)
        if self._counts is not None:
            self._counts.restarted(link)
        self._log.event("engine_restarted", engine=link.name, evidence=evidence)

    def _signals(self, link: EngineLink) -> None:
        missing = ", ".join(link.signals_missing)
        self._log.event("signals", engine=link.name, signals=link.signals, missing=missing)

"""Sends spans to a collector by OTLP over HTTP."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # it makes spans of what the queue holds
    from evenhand.telemetry.traces.traces import Ended


class Export(Protocol):
    """Called from the exporting thread alone, but for `give_up_after`."""

    def send(self, batch: "Sequence[Ended]") -> bool:
        """Whether the collector has taken them. May block; never raises."""

    def give_up_after(self, seconds: float) -> None:
        """The gateway ends: no sending is worth more than so long any more."""


class OtlpExport:
    """See `Export`. Made in the thread that starts the gateway: it imports the SDK, an extra.

    No redirect is followed and no proxy of the environment used. What goes wrong is told to `told` each
    time that it is something else; None: nothing any more.
    """

    def __init__(
        self,
        endpoint: str,
        headers: Mapping[str, str],
        *,
        service: str,
        version: str,
        timeout_s: float,
        told: Callable[[str | None], None],
    ) -> None:
        import requests  # noqa: PLC0415 - comes with the extra
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an extra
            OTLPSpanExporter,
        )

        from evenhand.telemetry.traces.spans import SpanMaker  # noqa: PLC0415 - needs the extra

        session = requests.Session()
        session.trust_env = False
        session.max_redirects = 0
        self._maker = SpanMaker(service, version)
        self._exporter = OTLPSpanExporter(
            f"{endpoint}/v1/traces", headers=headers, timeout=timeout_s, session=session
        )
        self._told = told
        self._problem: str | None = None
        # It says why it failed to its logger alone, once for each batch.
        self._said = _Said()
        logger = logging.getLogger("opentelemetry.exporter.otlp.proto.http")
        logger.addHandler(self._said)
        logger.propagate = False

    def send(self, batch: "Sequence[Ended]") -> bool:
        problem = None
        try:
            spans = [span for ended in batch for span in self._maker.spans(ended)]
            if self._exporter.export(spans).name != "SUCCESS":
                problem = self._said.last
        except Exception as error:  # noqa: BLE001 - of a library: the thread must go on
            problem = f"{type(error).__name__} in the exporter"
        if problem != self._problem:
            self._problem = problem
            self._told(problem)
        return problem is None

    def give_up_after(self, seconds: float) -> None:
        del seconds  # whoever waits for the thread does not wait longer


class _Said(logging.Handler):
    """The last thing that a logger was told."""

    last = "the collector takes no spans"

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()[:200]

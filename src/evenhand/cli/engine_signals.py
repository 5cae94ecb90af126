"""What an engine says of itself, written on its link and passed on."""

from collections.abc import Callable
from dataclasses import dataclass

from evenhand.cli.config import UrlEngine
from evenhand.engines.http import EngineAddress
from evenhand.gateway.engine_link import EngineLink
from evenhand.model import EngineReport

OnReport = Callable[[EngineLink, EngineReport | None], None]
"""Called with an engine and what it says of itself now; None: it has been silent for so long that what
it said last counts no more. `link.report` and `link.report_ms` are set already."""

OnRestart = Callable[[EngineLink, str], None]
"""Called with an engine that is another process than before, and by what that is seen: its cache is
empty, and nothing runs there that was sent before."""

OnSignals = Callable[[EngineLink], None]
"""Called when it has changed how far an engine can be read: see `link.signals` and
`link.signals_missing`."""


@dataclass(kw_only=True)
class SignalEars:
    """Who hears of signals; until somebody does, nothing is lost but the news itself."""

    on_report: OnReport = lambda _link, _report: None
    on_restart: OnRestart = lambda _link, _evidence: None
    on_signals: OnSignals = lambda _link: None


class LinkSignals:
    """See `SignalListener`; for one engine."""

    def __init__(self, link: EngineLink, ears: SignalEars) -> None:
        self._link = link
        self._ears = ears

    def on_report(self, report: EngineReport, asked_ms: int) -> None:
        """See SignalListener."""
        self._link.report, self._link.report_ms = report, asked_ms
        self._ears.on_report(self._link, report)

    def on_stale(self, reason: str) -> None:
        """See SignalListener."""
        del reason  # `on_signals` tells it
        self._link.report = None
        self._ears.on_report(self._link, None)

    def on_missing(self, names: tuple[str, ...]) -> None:
        """See SignalListener."""
        self._link.signals_missing = names

    def on_restart(self, evidence: str) -> None:
        """See SignalListener."""
        self._ears.on_restart(self._link, evidence)

    def on_signals(self, words: str) -> None:
        """See SignalListener."""
        self._link.signals = words
        self._ears.on_signals(self._link)


def metrics_address(
    engine: UrlEngine, headers: tuple[tuple[str, str], ...]
) -> tuple[EngineAddress, tuple[tuple[str, str], ...]]:
    """Where the engine's metrics are, and what to send along: a credential only to the engine itself."""
    address = EngineAddress.parse(str(engine.url))
    if engine.metrics_url is None:
        return address, headers
    elsewhere = EngineAddress.parse(str(engine.metrics_url))
    is_same = (elsewhere.scheme, elsewhere.host, elsewhere.port) == (
        *(address.scheme, address.host, address.port),
    )
    return elsewhere, headers if is_same else ()

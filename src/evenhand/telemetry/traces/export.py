"""Sends spans to a collector by OTLP over HTTP."""

import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:  # it makes messages of what the queue holds
    from evenhand.telemetry.traces.traces import Ended

_AGAIN: Final = frozenset({429, 502, 503, 504})
"""A collector that answers so wants the same once more."""
_PAUSE_S: Final = 1.0
_TELLS_MORE_BYTES_MAX: Final = 1 << 20


class Export(Protocol):
    """Called from the exporting thread alone."""

    def send(self, batch: "Sequence[Ended]") -> bool:
        """Whether the collector has taken them. May block; never raises."""


class OtlpExport:
    """See `Export`. Imports the messages, an extra, when it is made.

    One connection for a batch: no redirect is followed, no proxy of the environment used. What goes
    wrong is told to `told` each time that it is something else; None: nothing any more.
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
        from evenhand.telemetry.traces.spans import SpanMaker  # noqa: PLC0415 - needs the extra

        parts = urlsplit(endpoint)
        assert parts.hostname is not None, "the configuration has checked it"
        self._connection = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port = parts.hostname, parts.port
        self._path = f"{parts.path}/v1/traces"
        self._headers = {**headers, "content-type": "application/x-protobuf"}
        self._timeout_s = timeout_s
        self._maker = SpanMaker(service, version)
        self._told = told
        self._problem: str | None = None

    def send(self, batch: "Sequence[Ended]") -> bool:
        message = self._maker.message(batch)
        ends_s = time.monotonic() + self._timeout_s
        status, problem = self._post(message, self._timeout_s)
        left_s = ends_s - time.monotonic() - _PAUSE_S
        if status in _AGAIN and left_s > 0:
            time.sleep(_PAUSE_S)
            status, problem = self._post(message, left_s)
        if problem != self._problem:
            self._problem = problem
            self._told(problem)
        return problem is None

    def _post(self, message: bytes, timeout_s: float) -> tuple[int, str | None]:
        """The status, and what went wrong."""
        connection = self._connection(self._host, self._port, timeout=timeout_s)
        try:
            connection.request("POST", self._path, message, self._headers)
            answer = connection.getresponse()
            answer.read(_TELLS_MORE_BYTES_MAX)
        except (OSError, HTTPException) as error:
            return 0, f"the collector does not answer ({type(error).__name__})"
        finally:
            connection.close()
        is_taken = answer.status // 100 == 2
        return answer.status, None if is_taken else f"the collector answers {answer.status}"

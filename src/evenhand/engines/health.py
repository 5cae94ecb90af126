"""Whether an engine answers, asked again and again."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient, Lost

_MODELS: Final = "/v1/models"
_HEALTH: Final = "/health"
_NO_SUCH_PAGE: Final = frozenset({404, 405})
PROBE_PATHS: Final[Mapping[str, str]] = {
    "vllm": _HEALTH,
    "sglang": _HEALTH,
    "llamacpp": _HEALTH,
    "trtllm": _HEALTH,
    "openai": _MODELS,
}
"""By kind of engine; others are asked for their models, as is an engine without a health page."""


@dataclass(frozen=True, kw_only=True)
class ProbeSettings:
    """How often, and how patiently."""

    interval_ms: int = 2_000
    """Between two probes of an engine that is up."""
    backoff_min_ms: int = 200
    """After the first failure; doubled with each further one."""
    backoff_max_ms: int = 5_000
    timeout_ms: int = 2_000
    """For connecting, and again for the answer."""
    failures_to_down: int = 2
    """Probes in a row that must fail, silence of a busy engine being one thing and death another. A
    refused connection needs no second witness."""


class HealthProbe:
    """Tells `on_change(up, reason)` what the first probe found, and whenever an engine begins or ceases
    to answer afterwards.

    One that is up counts as up until probes fail or `report_failure` is called; one that has none of
    the pages answers all the same. `stop` must be awaited at the end; nothing is told after it.
    """

    def __init__(
        self,
        address: EngineAddress,
        kind: str,
        on_change: Callable[[bool, str], None],
        *,
        settings: ProbeSettings | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.up: bool | None = None
        """None until the first probe has ended."""
        self.has_restarted = False
        """When it is told that it is up: it was up before, and nobody could connect to it meanwhile."""
        self._was_up = self._has_refused = False
        self._settings = settings or ProbeSettings()
        self._path = PROBE_PATHS.get(kind, _MODELS)
        self._on_change = on_change
        timeout_ms = self._settings.timeout_ms
        limits = ClientSettings(
            connect_timeout_ms=timeout_ms,
            first_byte_timeout_ms=timeout_ms,
            silence_timeout_ms=timeout_ms,
            idle_connections_max=1,
        )
        self._client = EngineClient(address, limits, headers=headers)
        self._failures = 0
        self._stopped = False
        self._reported = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to probe, the first time at once. Call once."""
        assert self._task is None, "start a probe once"
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Probe no more."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._client.close()

    def report_failure(self, reason: str) -> None:
        """Say that a request could not reach the engine: it is down until a probe is answered."""
        if self.up and not self._stopped:
            self._has_refused = True
            self._failures = max(self._failures, 1)
            self._reported.set()
            self._change(up=False, reason=reason)

    async def _run(self) -> None:
        while True:
            self._reported.clear()
            failure = await self._probe()
            if failure is None:
                self._note_answer()
            else:
                self._note_failure(failure)
            await self._pause()

    def _note_answer(self) -> None:
        # An answer given before the reported failure proves nothing.
        if not self._reported.is_set():
            self._failures = 0
            if self.up is not True:
                self._change(up=True, reason="answers")

    def _note_failure(self, failure: "_Failure") -> None:
        self._failures += 1
        self._has_refused |= failure.certain
        enough = failure.certain or self._failures >= self._settings.failures_to_down
        if self.up is None or (self.up and enough):
            self._change(up=False, reason=failure.reason)

    async def _pause(self) -> None:
        """Wait for the next probe; a reported failure shortens the wait of an engine that was up."""
        limits = self._settings
        wait_ms = limits.interval_ms
        if self._failures:
            doublings = min(self._failures - 1, 30)
            wait_ms = min(limits.backoff_max_ms, limits.backoff_min_ms << doublings)
        try:
            async with asyncio.timeout(wait_ms / 1000):
                await self._reported.wait()
        except TimeoutError:
            return
        await asyncio.sleep(limits.backoff_min_ms / 1000)

    async def _probe(self) -> "_Failure | None":
        outcome = await self._ask(self._path)
        if isinstance(outcome, int) and outcome in _NO_SUCH_PAGE and self._path != _MODELS:
            self._path = _MODELS
            outcome = await self._ask(self._path)
        if isinstance(outcome, _Failure):
            return outcome
        if 200 <= outcome < 300 or outcome in _NO_SUCH_PAGE:
            return None
        return _Failure(f"GET {self._path} answered {outcome}", certain=False)

    async def _ask(self, path: str) -> "int | _Failure":
        """Give the status of the answer, or why there is none."""
        listener = _ProbeListener(asyncio.get_running_loop().create_future())
        attempt = self._client.get(path, listener)
        try:
            async with asyncio.timeout(2 * self._settings.timeout_ms / 1000):
                lost = await listener.lost
        except TimeoutError:
            lost = Lost.TIMED_OUT
        finally:
            attempt.abort()
        if lost is None:
            return listener.status
        reason = f"{lost} ({attempt.detail})" if attempt.detail else str(lost)
        return _Failure(reason, certain=lost is Lost.REFUSED)

    def _change(self, *, up: bool, reason: str) -> None:
        self.up = up
        if up:
            self.has_restarted = self._was_up and self._has_refused
            self._was_up, self._has_refused = True, False
        try:
            self._on_change(up, reason)
        except Exception as error:  # noqa: BLE001 - probing must outlive its listener's faults
            asyncio.get_running_loop().call_exception_handler(
                {
                    "message": "the listener of an engine's health raised; mend it",
                    "exception": error,
                }
            )


@dataclass(frozen=True)
class _Failure:
    """Why a probe was in vain, and whether that alone shows the engine to be down."""

    reason: str
    certain: bool


class _ProbeListener:
    """Keeps the status; the body is read and dropped."""

    def __init__(self, lost: "asyncio.Future[Lost | None]") -> None:
        self.status = 0
        self.lost = lost
        """None if the answer came."""

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        del headers
        self.status = status

    def on_body(self, data: bytes) -> None:
        """Nothing in the body matters."""

    def on_end(self) -> None:
        self._tell(None)

    def on_lost(self, reason: Lost) -> None:
        self._tell(reason)

    def _tell(self, lost: Lost | None) -> None:
        if not self.lost.done():
            self.lost.set_result(lost)

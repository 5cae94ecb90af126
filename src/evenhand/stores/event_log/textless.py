"""A recorder that never sees the text of a prompt: it decides by stand-ins, and so does its replay."""

from collections.abc import Callable
from dataclasses import replace

from evenhand.model import EngineName, Request, TrustDomain
from evenhand.scheduling import SchedulerSettings, Submission
from evenhand.scheduling.recorder import Event, Recorder
from evenhand.stores.event_log.stand_ins import StandIns


class TextlessRecorder(Recorder):
    """Whoever asks gets answers about the request with the stand-in, of the same id."""

    def __init__(self, settings: SchedulerSettings, sink: Callable[[Event], None]) -> None:
        super().__init__(settings, sink)
        self._stand_ins = StandIns()
        # Who cannot start at once is submitted next.
        self._last: tuple[Request, Request] | None = None

    def start_at_once(self, request: Request, now_ms: int) -> EngineName | None:
        return super().start_at_once(self._without_text(request), now_ms)

    def submit(self, request: Request, now_ms: int) -> Submission:
        return super().submit(self._without_text(request), now_ms)

    def evicted(self, name: EngineName, prefix: bytes, trust_domain: TrustDomain) -> None:
        super().evicted(name, self._stand_ins.of_whole_blocks(prefix), trust_domain)

    def stored(self, name: EngineName, prefix: bytes, trust_domain: TrustDomain) -> None:
        super().stored(name, self._stand_ins.of_whole_blocks(prefix), trust_domain)

    def _without_text(self, request: Request) -> Request:
        if not request.prefix:
            return request
        if self._last is None or self._last[0] is not request:
            told = replace(request, prefix=self._stand_ins.of(request.prefix))
            self._last = request, told
        return self._last[1]

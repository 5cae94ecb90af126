"""Asks an engine again and again what it runs and what waits in it."""

import asyncio
import re
import time
from dataclasses import dataclass, field

from bench.neighbour.answering import answer

_RUNNING = re.compile(
    rb"^(?:vllm:num_requests_running|llamacpp:requests_processing)(?:\{.*\})? (\S+)", re.M
)
_WAITING = re.compile(
    rb"^(?:vllm:num_requests_waiting|llamacpp:requests_deferred)(?:\{.*\})? (\S+)", re.M
)
_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Look:
    """At a moment after the beginning."""

    at_s: float
    running: int
    waiting: int


@dataclass(slots=True)
class Watch:
    """`look` until it is cancelled; a page takes its time while the engine is slow."""

    url: str
    looks: list[Look] = field(default_factory=list)

    async def look(self) -> None:
        began_s = time.monotonic()
        while True:
            page = await answer(self.url, "/metrics") or b""
            running, waiting = _RUNNING.search(page), _WAITING.search(page)
            if running and waiting:
                at_s = time.monotonic() - began_s
                self.looks.append(Look(at_s, int(float(running[1])), int(float(waiting[1]))))
            await asyncio.sleep(_EVERY_S)

    def between(self, since_s: float, until_s: float) -> list[Look]:
        return [look for look in self.looks if since_s <= look.at_s <= until_s]

"""Asks an engine again and again what it runs and what waits in it."""

import asyncio
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.neighbour.answering import answer
from bench.pinned import cpu_us

_RUNNING = re.compile(
    rb"^(?:vllm:num_requests_running|llamacpp:requests_processing)(?:\{.*\})? (\S+)", re.MULTILINE
)
_WAITING = re.compile(
    rb"^(?:vllm:num_requests_waiting|llamacpp:requests_deferred)(?:\{.*\})? (\S+)", re.MULTILINE
)
_EVERY_S = 0.1


def group(pid: int) -> tuple[int, ...]:
    """The processes of the group that this one leads, as they are now; itself where it leads none."""
    if os.getpgid(pid) != pid:
        return (pid,)
    members = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if os.getpgid(int(folder.name)) == pid:
                members.append(int(folder.name))
    return tuple(members)


@dataclass(frozen=True, slots=True)
class Look:
    """At a moment after the beginning."""

    at_s: float
    running: int
    waiting: int
    cpu_us: float
    """That the engine has used so far."""


@dataclass(slots=True)
class Watch:
    """`look` until it is cancelled; a page takes its time while the engine is slow."""

    url: str
    pid: int
    looks: list[Look] = field(default_factory=list)

    async def look(self) -> None:
        began_s = time.monotonic()
        while True:
            page = await answer(self.url, "/metrics") or b""
            running, waiting = _RUNNING.search(page), _WAITING.search(page)
            if running and waiting:
                at_s = time.monotonic() - began_s
                both = int(float(running[1])), int(float(waiting[1]))
                self.looks.append(Look(at_s, *both, cpu_us(group(self.pid))))
            await asyncio.sleep(_EVERY_S)

    def between(self, since_s: float, until_s: float) -> list[Look]:
        return [look for look in self.looks if since_s <= look.at_s <= until_s]

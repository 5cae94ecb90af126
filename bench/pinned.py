"""Which core does what, and how much CPU a process has used."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """One for the proxies, one for the engine and the load."""

    proxy: int
    load: int


def cores() -> Cores:
    """The first and the last core we may use; the same one where there is but one."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(proxy=allowed[0], load=allowed[-1])


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Processes started in the block run on that core alone, all their threads with them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def family(pid: int) -> tuple[int, ...]:
    """The process and all that descend from it, as they are now."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue  # it has ended meanwhile
        # The name in brackets may hold spaces and brackets: fields are counted from its end.
        parent = int(text[text.rindex(")") + 2 :].split()[1])
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for member in found:
        found += children.get(member, ())
    return tuple(found)


def cpu_us(pids: tuple[int, ...]) -> float:
    """User and system time of these processes so far, all threads, in microseconds."""
    # The id of another process's CPU clock, as clock_getcpuclockid(3) makes it: nanoseconds, where
    # /proc/PID/stat counts in ticks of 10 ms.
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids) * 1e6

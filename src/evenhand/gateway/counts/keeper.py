"""Notes what each engine tells of its counters, beside what the gateway knows at that moment, and has
the moments that tell most written."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from evenhand.gateway.counts.tally import EngineTally
from evenhand.gateway.engine_link import EngineLink
from evenhand.ledger.reconciliation import EngineCount
from evenhand.model import EngineName, EngineReport
from evenhand.wire.dialect import EngineKind

_LAG_MS = 250
"""So much later than an answer its tokens may appear in the engine's counters."""
_CALM_EVERY_MS = 5_000
"""At most so often a calm moment is written, while there are always new ones."""
_BUSY_EVERY_MS = 60_000
"""As often an engine that is never calm."""
_GOES_ON_MS_MAX = 60_000
"""Nothing of what was given up is taken to run longer than that."""
_COUNTS_CHOICES = frozenset({EngineKind.VLLM, EngineKind.SGLANG})

Save = Callable[[EngineName, EngineCount], None]


@dataclass(slots=True)
class _Watched:
    """One engine: its last count, whether it was written, and when what was last written was told."""

    tally: EngineTally
    life: int = 0
    last: EngineCount | None = None
    last_asked_ms: int = 0
    changes: int = -1
    """Of the tally, at the last reading."""
    changed_ms: int = -(1 << 60)
    """By when, at the latest, a request last came or went; on the loop's clock."""
    left_ms: int = 0
    saved: EngineCount | None = field(default=None)


class CountKeeper:
    """`watch` each engine before it has requests, then tell what it says; `close` at the end. `boot`
    names this run. `now_ms` is the loop's clock."""

    def __init__(self, boot: int, save: Save, now_ms: Callable[[], int]) -> None:
        self._boot = boot
        self._save = save
        self._now_ms = now_ms
        self._watched: dict[EngineName, _Watched] = {}

    def watch(self, link: EngineLink) -> None:
        """From now on what is done there is tallied."""
        link.tally = EngineTally(counts_choices=link.kind in _COUNTS_CHOICES)
        self._watched[link.name] = _Watched(link.tally, left_ms=self._now_ms())

    def reported(self, link: EngineLink, report: EngineReport, asked_ms: int) -> None:
        """What it said when it was asked at `asked_ms`."""
        watched = self._watched[link.name]
        if report.input_tokens is None or report.output_tokens is None:
            return
        self._look(watched, report, asked_ms)
        tally = watched.tally
        count = EngineCount(
            at_ms=time.time_ns() // 1_000_000 - (self._now_ms() - asked_ms),
            boot=self._boot,
            life=watched.life,
            input_tokens=report.input_tokens,
            output_tokens=report.output_tokens,
            is_calm=self._is_calm(watched),
            open_input=tally.open_input,
            open_output_most=tally.open_output_most,
            sums=replace(tally.sums),
        )
        watched.last, watched.last_asked_ms = count, asked_ms
        if _is_due(watched.saved, count):
            self._write(link.name, watched, count)

    def restarted(self, link: EngineLink) -> None:
        """It is another process than before."""
        watched = self._watched[link.name]
        if watched.last is not None and not _says_the_same(watched.saved, watched.last):
            self._write(link.name, watched, watched.last)
        watched.life += 1
        watched.tally.may_go_on = False

    def close(self) -> None:
        """Write what was told last."""
        for name, watched in self._watched.items():
            if watched.last is not None and not _says_the_same(watched.saved, watched.last):
                self._write(name, watched, watched.last)

    def _look(self, watched: _Watched, report: EngineReport, asked_ms: int) -> None:
        """What this reading says of requests that are not ours."""
        tally, last = watched.tally, watched.last
        is_quiet = not tally.open_requests and tally.changes == watched.changes
        if tally.changes != watched.changes:
            watched.changes, watched.changed_ms = tally.changes, self._now_ms()
            watched.left_ms = watched.changed_ms
        was_asked_later = watched.last_asked_ms > watched.changed_ms + _LAG_MS
        busy = (report.running or 0) + (report.waiting or 0)
        grown = None
        if last is not None and last.life == watched.life:
            grown = (
                (report.input_tokens or 0) - last.input_tokens,
                (report.output_tokens or 0) - last.output_tokens,
            )
        if tally.may_go_on:
            stands_still = is_quiet and was_asked_later and grown == (0, 0)
            is_done = report.running is not None and not busy and is_quiet and was_asked_later
            if is_done or stands_still or asked_ms - watched.left_ms > _GOES_ON_MS_MAX:
                tally.may_go_on = False
        elif is_quiet and was_asked_later and grown is not None and min(grown) >= 0:
            tally.sums.direct_input += grown[0]
            tally.sums.direct_output += grown[1]
        stands = tally.changes == watched.changes and was_asked_later
        if stands and not tally.may_go_on and busy > tally.open_choices:
            tally.sums.foreign_readings += 1

    def _is_calm(self, watched: _Watched) -> bool:
        tally = watched.tally
        return (
            not tally.open_requests
            and not tally.may_go_on
            and watched.last_asked_ms > watched.changed_ms + _LAG_MS
        )

    def _write(self, name: EngineName, watched: _Watched, count: EngineCount) -> None:
        watched.saved = count
        self._save(name, count)


def _says_the_same(saved: EngineCount | None, count: EngineCount) -> bool:
    return saved is not None and replace(saved, at_ms=count.at_ms) == count


def _is_due(saved: EngineCount | None, count: EngineCount) -> bool:
    if saved is None or saved.life != count.life:
        return True
    if _says_the_same(saved, count):
        return False
    if count.is_calm and not saved.is_calm:
        return True
    every_ms = _CALM_EVERY_MS if count.is_calm else _BUSY_EVERY_MS
    return count.at_ms - saved.at_ms >= every_ms

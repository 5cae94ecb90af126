"""Queue, running requests and cache of a run over time, in a bounded number of points."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from evenhand.sim.engine.protocol import Engine
from evenhand.sim.host.protocol import Host
from evenhand.sim.run_record import RunRecord

POINTS_MAX = 300
_FIRST_STEP_MS = 10.0


@dataclass(frozen=True, slots=True)
class Series:
    """Columns of equal length. `waiting` requests no engine has admitted, `running` are in an engine;
    `kv_tokens` are what these hold in all engines, as of their last boundaries."""

    at_s: list[float] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    running: list[int] = field(default_factory=list)
    kv_tokens: list[int] = field(default_factory=list)


class SeriesWatch:
    """Looks at a run every so often. When it has too many points it forgets every second one, and looks
    half as often from then on: at most 300 points, of a second or of a year."""

    def __init__(self, host: Host, engines: Sequence[Engine]) -> None:
        self.series = Series()
        self._host = host
        self._engines = engines
        self._step_ms = _FIRST_STEP_MS
        self._next_ms = 0.0

    def __call__(self, now_ms: float, record: RunRecord) -> None:
        del record
        if now_ms < self._next_ms:
            return
        series = self.series
        series.at_s.append(now_ms / 1000)
        series.waiting.append(self._host.waiting())
        series.running.append(sum(len(engine.running()) for engine in self._engines))
        series.kv_tokens.append(sum(engine.kv_tokens_used() for engine in self._engines))
        if len(series.at_s) > POINTS_MAX:
            for column in (series.at_s, series.waiting, series.running, series.kv_tokens):
                del column[1::2]
            self._step_ms *= 2
        self._next_ms = now_ms + self._step_ms

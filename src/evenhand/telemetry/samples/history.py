"""The last quarter of an hour of samples. The newest minute is whole; before it only the tenants that
received or waited most keep a row of their own, so that the memory stays small."""

from collections import deque
from dataclasses import replace
from itertools import islice

from evenhand.telemetry.samples.sample import RestSample, Sample, TenantSample

SAMPLES_MAX = 900
WHOLE_SAMPLES = 60
OLD_TENANTS_MAX = 32


class History:
    """Samples by their number, ascending."""

    def __init__(self) -> None:
        self._old: deque[Sample] = deque(maxlen=SAMPLES_MAX - WHOLE_SAMPLES)
        self._new: deque[Sample] = deque(maxlen=WHOLE_SAMPLES)

    @property
    def latest(self) -> Sample | None:
        """None: there is none yet."""
        return self._new[-1] if self._new else None

    def add(self, sample: Sample) -> None:
        """The next one."""
        if len(self._new) == WHOLE_SAMPLES:
            self._old.append(thinned(self._new[0], OLD_TENANTS_MAX))
        self._new.append(sample)

    def since(self, seq: int) -> list[Sample]:
        """Those with a greater number, as far back as is remembered."""
        latest = self.latest
        if latest is None or seq >= latest.seq:
            return []
        wanted = min(latest.seq - seq, len(self._old) + len(self._new))
        old = max(0, wanted - len(self._new))
        return [
            *islice(self._old, len(self._old) - old, None),
            *islice(self._new, max(0, len(self._new) - wanted), None),
        ]


def thinned(sample: Sample, tenants_max: int) -> Sample:
    """The same with rows of so many tenants; the others are added to the rest."""
    if len(sample.tenants) <= tenants_max:
        return sample
    kept = set(sorted(sample.tenants, key=_importance, reverse=True)[:tenants_max])
    rest = sample.rest or RestSample(0, 0, 0, 0, 0, 0, 0)
    for row in sample.tenants:
        if row not in kept:
            rest = added(rest, row)
    return replace(sample, tenants=tuple(r for r in sample.tenants if r in kept), rest=rest)


def added(rest: RestSample, row: TenantSample) -> RestSample:
    """The rest with one more tenant in it."""
    return RestSample(
        rest.tenants + 1,
        rest.promised_ppm + row.promised_ppm,
        rest.received_ppm + row.received_ppm,
        rest.units + row.units,
        rest.units_total + row.units_total,
        rest.queued + row.queued,
        rest.running + row.running,
    )


def _importance(row: TenantSample) -> tuple[int, int, int]:
    return (max(row.received_ppm, min(row.oldest_wait_ms, 1_000_000)), row.queued, row.running)

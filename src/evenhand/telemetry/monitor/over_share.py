"""Who asks for far more than its share while others wait."""

from collections.abc import Iterator

from evenhand.telemetry.samples import Sample, TenantSample

QUEUED_MIN = 32
TIMES = 4


def over_share(sample: Sample) -> Iterator[tuple[TenantSample, int]]:
    """Tenants of which at least 32 requests wait, and for their weight four times as many as of the
    others that wait, with how many times."""
    waiting = [row for row in sample.tenants if row.queued]
    if len(waiting) < 2:
        return
    queued = sum(row.queued for row in waiting)
    promised = sum(row.promised_ppm for row in waiting)
    for row in waiting:
        others, others_promised = queued - row.queued, promised - row.promised_ppm
        if row.queued < QUEUED_MIN or not row.promised_ppm or not others_promised:
            continue
        times = row.queued * others_promised // (others * row.promised_ppm)
        if times >= TIMES:
            yield row, times

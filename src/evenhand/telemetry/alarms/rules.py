"""The conditions, read off a sample."""

from collections.abc import Iterable, Iterator

from evenhand.model import TenantPath
from evenhand.telemetry.alarms.alarm import Found, Kind
from evenhand.telemetry.alarms.settings import AlarmSettings
from evenhand.telemetry.samples import Sample, TenantSample

PPM = 1_000_000

ALIKE_MAX = 20
"""Tenants up to which each has its own alarm of a kind."""

LEFT_TO_OTHERS = (2, 3)
"""One has too much where the others together have less than two thirds of what they are due. Not by a
factor of its own due: nine tenths times six fifths is more than there is."""


def found_in(sample: Sample, settings: AlarmSettings) -> Iterator[Found]:
    """All that hold in this second."""
    yield from _fewer(_of_tenants(sample, settings))
    yield from _of_all(sample, settings)
    for engine in sample.engines:
        if not engine.up and not engine.drained:
            what = f"engine {engine.name} is down: {engine.reason}"
            yield Found(Kind.ENGINE_DOWN, 1, 1, "", what, engine=engine.name)
        if engine.circuit != "closed":
            what = f"engine {engine.name} is left alone: its circuit is {engine.circuit}"
            yield Found(Kind.CIRCUIT_OPEN, 1, 1, "", what, engine=engine.name)


def _fewer(every: Iterable[Found]) -> Iterator[Found]:
    """Where it is the same with many tenants, one for all of them, that names the worst."""
    by_kind: dict[Kind, list[Found]] = {}
    for found in every:
        by_kind.setdefault(found.kind, []).append(found)
    for kind, alike in by_kind.items():
        if len(alike) <= ALIKE_MAX:
            yield from alike
            continue
        worst = max(alike, key=lambda found: found.value)
        what = f"{len(alike)} tenants alike, the worst: {worst.what}"
        yield Found(kind, worst.value, worst.threshold, worst.unit, what)


def _of_tenants(sample: Sample, settings: AlarmSettings) -> Iterator[Found]:
    waiting = [row.path for row in sample.tenants if row.queued]
    for row in sample.tenants:
        if not row.queued and not row.running and not row.units:
            continue
        yield from _times_of(row, settings)
        if row.kv_ppm is not None and _too_much(row, row.kv_ppm, settings.kv_share_ppm, waiting):
            assert settings.kv_share_ppm is not None
            percent = _percent(row.kv_ppm)
            what = f"{_name(row.path)} holds {percent} of the engines' memory while others wait"
            yield Found(
                Kind.KV_HELD_BY_ONE, row.kv_ppm, settings.kv_share_ppm, "ppm", what, row.path
            )
        is_dominant = row.path == sample.dominant
        if is_dominant and _too_much(
            row, sample.dominant_ppm, settings.dominant_share_ppm, waiting
        ):
            assert settings.dominant_share_ppm is not None
            percent, promised = _percent(sample.dominant_ppm), _percent(row.promised_ppm)
            what = (
                f"{_name(row.path)} got {percent} of the service of the last minute while others"
                f" waited; it is promised {promised}"
            )
            yield Found(
                Kind.SERVED_TO_ONE,
                sample.dominant_ppm,
                settings.dominant_share_ppm,
                "ppm",
                what,
                row.path,
            )


def _times_of(row: TenantSample, settings: AlarmSettings) -> Iterator[Found]:
    times = (
        (Kind.SLOW_TTFT, row.ttft_p99_ms, settings.ttft_p99_ms, "first tokens take"),
        (Kind.SLOW_TOKENS, row.inter_token_p99_ms, settings.inter_token_p99_ms, "tokens take"),
        (Kind.LONG_QUEUE_WAITS, row.wait_p99_ms, settings.queue_wait_p99_ms, "requests wait"),
    )
    for kind, value, threshold, what in times:
        if value is not None and threshold is not None and value > threshold:
            text = f"{_name(row.path)}: one in a hundred {what} {_seconds(value)} or more"
            yield Found(kind, value, threshold, "ms", text, row.path)
    threshold = settings.oldest_wait_ms
    if threshold is not None and row.oldest_wait_ms > threshold:
        text = f"{_name(row.path)}: a request has waited for {_seconds(row.oldest_wait_ms)}"
        yield Found(Kind.OLDEST_WAIT, row.oldest_wait_ms, threshold, "ms", text, row.path)


def _too_much(
    row: TenantSample, share_ppm: int, threshold: int | None, waiting: list[TenantPath]
) -> bool:
    """More than the threshold, at the cost of what is due to the others who are active, while one of
    them waits."""
    numerator, denominator = LEFT_TO_OTHERS
    due_to_others_ppm = PPM - max(row.promised_ppm, row.entitled_ppm or 0)
    return (
        threshold is not None
        and share_ppm > threshold
        and (PPM - share_ppm) * denominator < due_to_others_ppm * numerator
        and any(path != row.path for path in waiting)
    )


def _of_all(sample: Sample, settings: AlarmSettings) -> Iterator[Found]:
    indexes = (
        (Kind.UNFAIR_5MIN, sample.jain_5min_ppm, settings.fairness_5min_ppm, "five minutes"),
        (Kind.UNFAIR_1S, sample.jain_1s_ppm, settings.fairness_1s_ppm, "one second"),
    )
    for kind, value, threshold, over in indexes:
        if value is not None and threshold is not None and value < threshold:
            text = f"the index of fairness over {over} is {value / 1_000_000:.2f}"
            yield Found(kind, value, threshold, "ppm", text)


def _name(path: TenantPath) -> str:
    return "/".join(path)


def _percent(ppm: int) -> str:
    return f"{ppm / 10_000:.0f} %"


def _seconds(ms: int) -> str:
    return f"{ms} ms" if ms < 1_000 else f"{ms / 1_000:.1f} s"

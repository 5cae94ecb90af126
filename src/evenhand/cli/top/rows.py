"""The tenants of a frame, over the last seconds, in the order that was asked for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Shares are parts of a whole, 0 to 1, over the seconds of the feed; `due` None: not computed."""

    path: str
    weight: int
    promised: float
    due: float | None
    received: float
    units_per_s: float
    queued: int
    running: int
    oldest_wait_ms: int
    ttft_p99_ms: int | None
    inter_token_p99_ms: int | None
    units_total: int


SORTS: Mapping[str, tuple[str, Callable[[Row], Any]]] = {
    "r": ("received", lambda row: -row.received),
    "d": ("missing", lambda row: row.received - (row.due or 0)),
    "w": ("waiting", lambda row: -row.queued),
    "o": ("oldest", lambda row: -row.oldest_wait_ms),
    "p": ("promised", lambda row: -row.promised),
    "t": ("total", lambda row: -row.units_total),
    "n": ("name", lambda row: row.path),
}
"""By the key that asks for it: its name, and what it sorts by."""


def rows_of(samples: Sequence[Mapping[str, Any]], sort: str) -> list[Row]:
    """Every tenant of the newest sample."""
    in_all = sum(_received_in_all(sample) for sample in samples)
    units: dict[str, int] = {}
    due: dict[str, float] = {}
    for sample in samples:
        whole = _received_in_all(sample)
        for tenant in sample["tenants"]:
            path = tenant["path"]
            units[path] = units.get(path, 0) + max(0, tenant["units"])
            if tenant["entitled_ppm"] is not None:
                due[path] = due.get(path, 0.0) + tenant["entitled_ppm"] / PPM * whole
    seconds = max(1.0, sum(sample["interval_ms"] for sample in samples) / 1000)
    rows = [
        Row(
            path=tenant["path"],
            weight=tenant["weight"],
            promised=tenant["promised_ppm"] / PPM,
            due=due[tenant["path"]] / in_all if in_all and tenant["path"] in due else None,
            received=units[tenant["path"]] / in_all if in_all else 0.0,
            units_per_s=units[tenant["path"]] / seconds,
            queued=tenant["queued"],
            running=tenant["running"],
            oldest_wait_ms=tenant["oldest_wait_ms"],
            ttft_p99_ms=tenant["ttft_p99_ms"],
            inter_token_p99_ms=tenant["inter_token_p99_ms"],
            units_total=tenant["units_total"],
        )
        for tenant in samples[-1]["tenants"]
    ]
    return sorted(rows, key=lambda row: (SORTS[sort][1](row), row.path))


def _received_in_all(sample: Mapping[str, Any]) -> int:
    served: Iterable[int] = (max(0, tenant["units"]) for tenant in sample["tenants"])
    rest = sample["rest"]
    return sum(served) + (max(0, rest["units"]) if rest else 0)

"""One name under which an engine tells one figure, and how its samples become one number."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from evenhand.engines.signals.prometheus_text import Sample

_FIGURE_MAX: Final = 1 << 62
_SHARDS: Final = frozenset(
    {"tp_rank", "pp_rank", "moe_ep_rank", "ep_rank", "cp_rank", "attn_tp_rank"}
)
"""Labels of processes that compute one batch together: each of them tells of the same requests."""
_BREAKDOWN: Final = "priority"
"""SGLang writes the total under priority="" and, beside it, a part of it under each priority."""


class Across(Enum):
    """What samples of one name are to each other."""

    REPLICAS = "each of them has requests of its own: they add up, shards of one count once"
    COUNTERS = "each of them counts something else: they add up"
    FULLEST = "each of them has memory of its own: the fullest preempts first"
    SAME = "each of them says the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """`label`: the figure stands in this label of an info metric, not in its value. `times` turns a
    ratio into permille."""

    name: str
    across: Across
    label: str | None = None
    times: int = 1

    def figure(self, samples: Sequence[Sample]) -> int | None:
        """The one number; None where what the engine says cannot be meant: it is not taken for 0."""
        values = _labelled(samples, self.label) if self.label else samples
        combined = _COMBINE[self.across](values) if values else None
        if combined is None:
            return None
        figure = round(combined * self.times)
        return figure if 0 <= figure <= _FIGURE_MAX else None


def _labelled(samples: Iterable[Sample], label: str) -> list[Sample]:
    """The numbers in a label; "None" and the like are none."""
    return [
        Sample({}, float(text))
        for sample in samples
        if (text := sample.labels.get(label, "")).isdecimal() and len(text) <= 18
    ]


def _replicas(samples: Sequence[Sample]) -> float | None:
    if any(sample.value < 0 for sample in samples):
        return None
    most: dict[frozenset[tuple[str, str]], float] = {}
    for labels, value in samples:
        if labels.get(_BREAKDOWN):
            continue
        replica = frozenset(pair for pair in labels.items() if pair[0] not in _SHARDS)
        most[replica] = max(value, most.get(replica, 0))
    return sum(most.values()) if most else None


def _counters(samples: Sequence[Sample]) -> float | None:
    if any(sample.value < 0 for sample in samples):
        return None
    return sum(sample.value for sample in samples)


def _fullest(samples: Sequence[Sample]) -> float | None:
    return max(sample.value for sample in samples)


_COMBINE: Mapping[Across, Callable[[Sequence[Sample]], float | None]] = {
    Across.REPLICAS: _replicas,
    Across.COUNTERS: _counters,
    Across.FULLEST: _fullest,
    Across.SAME: _fullest,
}

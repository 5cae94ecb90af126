"""A policy is a composition, not a class: an order between tenants and a prediction.

`PRESETS` names the compositions; a new preset is an entry here and a file with its order.
"""

from collections.abc import Callable
from dataclasses import dataclass

from evenhand.scheduling.backlog import Backlog
from evenhand.scheduling.fcfs import FirstComeFirstServed
from evenhand.scheduling.order import Order
from evenhand.scheduling.prediction import Prediction
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.vtc import VirtualTokenCounter


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A published way to share. `is_fair`: whether it promises a bound at all."""

    order: Callable[[ShareTree, Backlog], Order]
    is_fair: bool
    summary: str


PRESETS: dict[str, Preset] = {
    "fcfs": Preset(
        order=FirstComeFirstServed,
        is_fair=False,
        summary="first come, first served; the control",
    ),
    "vtc": Preset(
        order=VirtualTokenCounter,
        is_fair=True,
        summary="least service for its weight goes next (arXiv 2401.00588)",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The preset chosen, with its parameters."""

    preset: str = "vtc"
    prediction: Prediction = Prediction.RUNNING_MEAN

    def __post_init__(self) -> None:
        assert self.preset in PRESETS

    def counter_gap_max(
        self, *, window: int, request_units_max: int, weight_min: int
    ) -> int | None:
        """Greatest distance of the counters of two waiting siblings, in units per unit of weight.

        `window` is the number of requests that may be in flight in all, `request_units_max` bounds
        what one request is charged at any moment (estimated or real), `weight_min` is the least
        weight among the siblings. Derived in vtc.md; None: this policy promises nothing.
        """
        if not PRESETS[self.preset].is_fair:
            return None
        return -(-window * request_units_max // weight_min)

    def lag_bound(self, *, window: int, request_units_max: int, weight_min: int) -> int | None:
        """Greatest difference of service per weight between two siblings that wait throughout an
        interval for the same engines, over any interval: twice the gap of the counters."""
        gap = self.counter_gap_max(
            window=window, request_units_max=request_units_max, weight_min=weight_min
        )
        return None if gap is None else 2 * gap

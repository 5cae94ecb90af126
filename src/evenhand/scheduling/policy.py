"""A policy is a composition, not a class: one part for each seam, and the values of their parameters.

order between tenants x order within a tenant x placement x admission x prediction x cost.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evenhand.scheduling.admission.built_in import ADMISSIONS
from evenhand.scheduling.admission.protocol import Admission
from evenhand.scheduling.cost.built_in import COSTS
from evenhand.scheduling.cost.protocol import Cost
from evenhand.scheduling.cost.weights import TokenWeights
from evenhand.scheduling.order.built_in import ORDERS
from evenhand.scheduling.parts import InFlight, OrderPart, Parameter, Part, QueuePart
from evenhand.scheduling.placement.built_in import PLACEMENTS
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.prediction.built_in import PREDICTIONS
from evenhand.scheduling.prediction.protocol import Prediction
from evenhand.scheduling.queue.built_in import QUEUES

PREFIX_INDEX_MIB = Parameter(
    name="prefix_index_mib",
    meaning="memory for what is believed about prefix caches, MiB for each trust domain",
    default=64,
    minimum=1,
    maximum=1 << 16,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Parts, and values for those of their parameters that differ from the default.

    `name` is the published name if it is one of the presets, and whoever reads a report sees it.
    """

    name: str
    summary: str
    source: str = ""
    """Where it was published."""
    page: str = ""
    """The page with its derivation, beside the code, relative to the room `scheduling`."""
    order: OrderPart = ORDERS["least-served"]
    queue: QueuePart = QUEUES["fifo"]
    placement: Part[Placement] = PLACEMENTS["least-filled"]
    admission: Part[Admission] = ADMISSIONS["none"]
    prediction: Part[Prediction] = PREDICTIONS["running-mean"]
    cost: Part[Cost] = COSTS["weighted-tokens"]
    settings: Mapping[str, int] = field(default_factory=dict)
    bound: str = "no bound"
    """The bound in words and symbols, for people; `lag_bound` computes it."""

    def __post_init__(self) -> None:
        known = {parameter.name: parameter for parameter in self.parameters()}
        for name, value in self.settings.items():
            assert name in known, f"{self.name} has no parameter {name}"
            assert known[name].minimum <= value <= known[name].maximum, f"{name} is {value}"

    def swapped(self, **parts: OrderPart | QueuePart | Part[Any]) -> "Policy":
        """With other parts, by their seams. Values that no part reads any more go."""
        swaps: dict[str, Any] = {**parts, "settings": {}}
        bare = replace(self, **swaps)
        known = {parameter.name for parameter in bare.parameters()}
        kept = {name: value for name, value in self.settings.items() if name in known}
        return replace(bare, settings=kept)

    def parts(self) -> tuple[OrderPart | QueuePart | Part[object], ...]:
        """One for each seam, in the order in which a request meets them."""
        admission, order, queue = self.admission, self.order, self.queue
        return (admission, order, queue, self.placement, self.prediction, self.cost)

    def parameters(self) -> Iterator[Parameter]:
        """All dials of its parts, each once: parts may share some."""
        dials = {p.name: p for part in self.parts() for p in part.parameters}
        yield from dials.values()
        if self.asks_prefixes:
            yield PREFIX_INDEX_MIB

    def values(self) -> dict[str, int]:
        """The value of every parameter, set or default."""
        return {p.name: self.settings.get(p.name, p.default) for p in self.parameters()}

    @property
    def follows_interactions(self) -> bool:
        """Whether a part of it asks which calls continue an interaction."""
        return self.admission.follows_interactions or self.queue.follows_interactions

    @property
    def asks_prefixes(self) -> bool:
        """Whether the core must remember which engine was given which prefix."""
        return self.queue.asks_prefixes or self.placement.asks_prefixes

    @property
    def reads_prefix(self) -> bool:
        """Whether hosts must give requests the text of their prefix."""
        return self.asks_prefixes or self.placement.reads_prefix

    @property
    def reads_application_units(self) -> bool:
        """Whether it matters what applications are configured to use."""
        return self.cost.reads_application_units

    @property
    def is_fair(self) -> bool:
        """Whether it promises a bound at all."""
        return self.order.gap_max is not None

    def counter_gap_max(
        self,
        *,
        window: int,
        request_units_max: int,
        weight_min: int,
        input_units: int = TokenWeights().input,
    ) -> int | None:
        """Greatest distance of the counters of two siblings that wait for the same engines in the same
        lane and have used no others, in units per unit of weight. None: this policy promises nothing.

        `window` is the number of requests that may be in flight in all, `request_units_max` bounds
        what one request is charged at any moment (estimated or real), `weight_min` is the least
        weight among the siblings, `input_units` what a token of input costs. Derived on the page of
        the policy.
        """
        if self.order.gap_max is None:
            return None
        in_flight = InFlight(
            window=window,
            request_units_max=request_units_max,
            weight_min=weight_min,
            input_units=input_units,
        )
        return self.order.gap_max(in_flight, self.values())

    def lag_bound(
        self,
        *,
        window: int,
        request_units_max: int,
        weight_min: int,
        input_units: int = TokenWeights().input,
    ) -> int | None:
        """Greatest difference of service per weight between two siblings that wait throughout an
        interval for the same engines and have used no others: twice the gap of the counters."""
        gap = self.counter_gap_max(
            window=window,
            request_units_max=request_units_max,
            weight_min=weight_min,
            input_units=input_units,
        )
        return None if gap is None else 2 * gap

"""What a policy is composed of: parts with their parameters, and the ground that all of them stand on.

A part is a value: its name, what it does, its parameters, how it is built. The built-in ones are named
in one dict for each seam (`ORDERS`, `QUEUES`, `PLACEMENTS`, `ADMISSIONS`, `PREDICTIONS`, `COSTS`). A
new one is a file and an entry.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from evenhand.model import ApplicationName, Request
from evenhand.scheduling.backlog import Backlog
from evenhand.scheduling.capacity import Capacity
from evenhand.scheduling.cost.protocol import Work
from evenhand.scheduling.cost.weights import TokenWeights
from evenhand.scheduling.interactions import Interactions
from evenhand.scheduling.lanes.lane import Lane
from evenhand.scheduling.order.protocol import Order
from evenhand.scheduling.prefixes import Prefixes
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.service_rate import ServiceRate
from evenhand.scheduling.share_tree import ShareTree

T_co = TypeVar("T_co", covariant=True)
Parameters = Mapping[str, int]
"""Values by the names of parameters; only those of the parts that the policy is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A dial of a part. Integers only; the unit ends the name as it is written in the configuration."""

    name: str
    meaning: str
    default: int
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What parts are built on. They read it; only the scheduler changes it.

    `expected_work` and `expected_units` guess what a request will take, once all parts are built.
    `interactions` is there where a part of the policy follows them, `prefixes` where one asks for them.
    """

    tree: ShareTree
    backlog: Backlog
    capacity: Capacity
    rate: ServiceRate
    weights: TokenWeights
    lanes: tuple[Lane, ...]
    output_tokens_default: int
    expected_work: Callable[[Request], Work]
    expected_units: Callable[[Request], int]
    application_units: Mapping[ApplicationName, int]
    interactions: Interactions | None = None
    prefixes: Prefixes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Generic[T_co]):
    """A queue, placement, admission, prediction or cost, before it is built. `reads_prefix`: it reads
    `Request.prefix`, but does not ask who holds it. `reads_application_units`: it reads those of the
    ground."""

    name: str
    summary: str
    build: Callable[[Ground, Parameters], T_co]
    parameters: tuple[Parameter, ...] = ()
    follows_interactions: bool = False
    asks_prefixes: bool = False
    reads_prefix: bool = False
    reads_application_units: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePart:
    """An order within a tenant. `build` is told whether the order between tenants asks above leaves.
    `keeps_homes`: a ticket that begins to wait is given a home first, the engine near which it waits."""

    name: str
    summary: str
    build: Callable[[Ground, Parameters, bool], TicketQueue]
    parameters: tuple[Parameter, ...] = ()
    follows_interactions: bool = False
    asks_prefixes: bool = False
    keeps_homes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """What a bound depends on besides the policy. `window` is the number of requests that may be in
    flight in all, `request_units_max` bounds what one request is charged at any moment (estimated or
    real), `weight_min` is the least weight among the siblings, `input_units` what a token of input
    costs."""

    window: int
    request_units_max: int
    weight_min: int
    input_units: int = TokenWeights().input


class GapBound(Protocol):
    """Greatest distance of the counters of two siblings that use the same pool only, in units per unit
    of weight, at any moment. Derived on the order's page."""

    def __call__(self, in_flight: InFlight, parameters: Parameters) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPart:
    """An order between tenants. `gap_max` is None where there is no bound. `lifts`: who begins to wait
    is lifted to the present. `asks_above_leaves`: it asks the queue for the first ticket beneath inner
    nodes.
    `hears_starts`, `hears_charges`: it wants to be told of every start that it named, of every charge.
    `passes_through`: a request that finds a slot and nobody waiting may start without going through the
    order, which keeps no turns."""

    name: str
    summary: str
    build: Callable[[Ground, TicketQueue, Parameters], Order]
    parameters: tuple[Parameter, ...] = ()
    gap_max: GapBound | None = None
    lifts: bool = True
    asks_above_leaves: bool = False
    hears_starts: bool = False
    hears_charges: bool = False
    passes_through: bool = False

"""Orders between tenants, by the names that policies use."""

from evenhand.scheduling.node import VIRTUAL_PER_UNIT
from evenhand.scheduling.order.anyone import Anyone
from evenhand.scheduling.order.by_turns import ByTurns
from evenhand.scheduling.order.deficit_ring import DeficitRing
from evenhand.scheduling.order.least_attained import LeastAttained
from evenhand.scheduling.order.least_served import LeastServed
from evenhand.scheduling.order.protocol import Order
from evenhand.scheduling.order.quantum import Quantum
from evenhand.scheduling.parts import Ground, InFlight, OrderPart, Parameter, Parameters
from evenhand.scheduling.queue.protocol import ComparedQueue, TicketQueue


def _work_in_flight(in_flight: InFlight, parameters: Parameters) -> int:
    """W * C / w: vtc.md."""
    del parameters
    return -(-in_flight.window * in_flight.request_units_max // in_flight.weight_min)


def _quantum_and_work_in_flight(in_flight: InFlight, parameters: Parameters) -> int:
    """Q + W * C / w: dlpm.md."""
    quantum = parameters[_QUANTUM_TOKENS.name] * in_flight.input_units
    return quantum + _work_in_flight(in_flight, parameters)


def _quantum(ground: Ground, queue: TicketQueue, parameters: Parameters) -> Order:
    assert isinstance(queue, ComparedQueue), "its tickets can be compared above leaves"
    return Quantum(ground.tree, queue, quantum_ticks=_quantum_ticks(ground, parameters))


def _deficit_ring(ground: Ground, queue: TicketQueue, parameters: Parameters) -> Order:
    return DeficitRing(ground.tree, queue, quantum_ticks=_quantum_ticks(ground, parameters))


def _quantum_ticks(ground: Ground, parameters: Parameters) -> int:
    return parameters[_QUANTUM_TOKENS.name] * ground.weights.input * VIRTUAL_PER_UNIT


_QUANTUM_TOKENS = Parameter(
    name="quantum_tokens",
    meaning="service per unit of weight and round, as so many tokens of input; enters the bound",
    default=4_000,
    minimum=1,
    maximum=10**9,
)

_PARTS: tuple[OrderPart, ...] = (
    OrderPart(
        name="anyone",
        summary="no order between tenants: all tickets are one queue",
        build=lambda ground, queue, _: Anyone(ground.tree, queue),
        asks_above_leaves=True,
        passes_through=True,
    ),
    OrderPart(
        name="least-served",
        summary="whoever has received least for its weight; who begins to wait starts level",
        build=lambda ground, queue, _: LeastServed(ground.tree, queue),
        gap_max=_work_in_flight,
        passes_through=True,
    ),
    OrderPart(
        name="quantum",
        summary="the first ticket of whoever has some of its quantum left in this round",
        build=_quantum,
        parameters=(_QUANTUM_TOKENS,),
        gap_max=_quantum_and_work_in_flight,
        asks_above_leaves=True,
        hears_starts=True,
        hears_charges=True,
    ),
    OrderPart(
        name="deficit-ring",
        summary="one after the other, each until its quantum of this round is used up",
        build=_deficit_ring,
        parameters=(_QUANTUM_TOKENS,),
        gap_max=_quantum_and_work_in_flight,
        hears_starts=True,
        hears_charges=True,
    ),
    OrderPart(
        name="least-counter",
        summary="as least-served, but who begins to wait keeps the credit of having idled",
        build=lambda ground, queue, _: LeastServed(ground.tree, queue),
        lifts=False,
        passes_through=True,
    ),
    OrderPart(
        name="by-turns",
        summary="in turns, whatever a turn costs; weights do not count",
        build=lambda ground, queue, _: ByTurns(ground.tree, queue),
        hears_starts=True,
    ),
    OrderPart(
        name="least-attained",
        summary="whoever has received least of late, for its weight",
        build=lambda ground, queue, values: LeastAttained(
            ground.tree, queue, half_life_ms=values["half_life_s"] * 1000
        ),
        parameters=(
            Parameter(
                name="half_life_s",
                meaning="after so many seconds what was received counts half",
                default=60,
                minimum=1,
                maximum=86_400,
            ),
        ),
        hears_charges=True,
    ),
)

ORDERS: dict[str, OrderPart] = {part.name: part for part in _PARTS}

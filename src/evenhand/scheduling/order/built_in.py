"""Orders between tenants, by the names that policies use."""

from evenhand.scheduling.order.anyone import Anyone
from evenhand.scheduling.order.by_turns import ByTurns
from evenhand.scheduling.order.least_attained import LeastAttained
from evenhand.scheduling.order.least_served import LeastServed
from evenhand.scheduling.parts import InFlight, OrderPart, Parameter, Parameters


def _work_in_flight(in_flight: InFlight, parameters: Parameters) -> int:
    """W * C / w: vtc.md."""
    del parameters
    return -(-in_flight.window * in_flight.request_units_max // in_flight.weight_min)


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

"""Orders between tenants, by the names that policies use."""

from evenhand.scheduling.order.anyone import Anyone
from evenhand.scheduling.order.least_served import LeastServed
from evenhand.scheduling.parts import InFlight, OrderPart, Parameters


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
)

ORDERS: dict[str, OrderPart] = {part.name: part for part in _PARTS}

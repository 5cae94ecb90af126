"""Orders within a tenant, by the names that policies use."""

from evenhand.scheduling.parts import Ground, Parameters, QueuePart
from evenhand.scheduling.queue.arrival import ArrivalQueue
from evenhand.scheduling.queue.deadline_first import by_deadline
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.queue.ranked import RankedQueue, by_arrival


def _first_in_first_out(
    ground: Ground,
    parameters: Parameters,
    asks_above_leaves: bool,  # noqa: FBT001 - as all are built
) -> TicketQueue:
    del parameters
    if asks_above_leaves:
        return RankedQueue(by_arrival, asks_above_leaves=True)
    return ArrivalQueue(ground.backlog)


_PARTS: tuple[QueuePart, ...] = (
    QueuePart(name="fifo", summary="first in, first out", build=_first_in_first_out),
    QueuePart(
        name="edf",
        summary="earliest deadline first; a lane's deadline is its target for the first token",
        build=lambda ground, _, asks_above_leaves: RankedQueue(
            by_deadline(ground.lanes), asks_above_leaves=asks_above_leaves
        ),
    ),
)

QUEUES: dict[str, QueuePart] = {part.name: part for part in _PARTS}

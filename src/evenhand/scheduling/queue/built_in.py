"""Orders within a tenant, by the names that policies use."""

from evenhand.scheduling.interaction_dials import INTERACTION_DIALS
from evenhand.scheduling.parts import Ground, Parameter, Parameters, QueuePart
from evenhand.scheduling.queue.arrival import ArrivalQueue
from evenhand.scheduling.queue.deadline_first import by_deadline
from evenhand.scheduling.queue.interaction_first import interaction_first
from evenhand.scheduling.queue.longest_prefix import LongestPrefixQueue
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.queue.ranked import RankedQueue, by_arrival

_PREFIX_AGE_S = Parameter(
    name="prefix_age_s",
    meaning="after so many seconds, or half of what it may wait if that is less, a request goes before "
    "those with a longer match",
    default=600,
    minimum=0,
    maximum=86_400,
)


def _first_in_first_out(
    ground: Ground,
    parameters: Parameters,
    asks_above_leaves: bool,  # noqa: FBT001 - as all are built
) -> TicketQueue:
    del parameters
    if asks_above_leaves:
        return RankedQueue(by_arrival, asks_above_leaves=True)
    return ArrivalQueue(ground.backlog)


def _interaction_first(
    ground: Ground,
    parameters: Parameters,
    asks_above_leaves: bool,  # noqa: FBT001 - as all are built
) -> TicketQueue:
    assert ground.interactions is not None, "the part says that it follows interactions"
    rank = interaction_first(ground.interactions, parameters["interaction_head_start_s"] * 1000)
    return RankedQueue(rank, asks_above_leaves=asks_above_leaves)


def _longest_prefix_first(
    ground: Ground,
    parameters: Parameters,
    asks_above_leaves: bool,  # noqa: FBT001 - as all are built
) -> TicketQueue:
    assert ground.prefixes is not None, "its part asks for them"
    return LongestPrefixQueue(
        ground.prefixes,
        age_ms_max=parameters[_PREFIX_AGE_S.name] * 1_000,
        asks_above_leaves=asks_above_leaves,
    )


_PARTS: tuple[QueuePart, ...] = (
    QueuePart(name="fifo", summary="first in, first out", build=_first_in_first_out),
    QueuePart(
        name="longest-prefix",
        summary="the longest match in an engine's prefix cache first, the aged before all",
        build=_longest_prefix_first,
        parameters=(_PREFIX_AGE_S,),
        asks_prefixes=True,
        keeps_homes=True,
    ),
    QueuePart(
        name="edf",
        summary="earliest deadline first; a lane's deadline is its target for the first token",
        build=lambda ground, _, asks_above_leaves: RankedQueue(
            by_deadline(ground.lanes), asks_above_leaves=asks_above_leaves
        ),
    ),
    QueuePart(
        name="interaction-first",
        summary="calls of interactions in progress before first calls, by a head start",
        build=_interaction_first,
        follows_interactions=True,
        parameters=(
            Parameter(
                name="interaction_head_start_s",
                meaning="how much earlier calls of interactions in progress count as arrived",
                default=10,
                minimum=0,
                maximum=3_600,
            ),
            *INTERACTION_DIALS,
        ),
    ),
)

QUEUES: dict[str, QueuePart] = {part.name: part for part in _PARTS}

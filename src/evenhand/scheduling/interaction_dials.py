"""The dials of whatever follows interactions (`interactions.py`): throttling, and the order within a
tenant."""

from evenhand.scheduling.parts import Parameter

INTERACTION_DIALS = (
    Parameter(
        name="interaction_calls_max",
        meaning="calls of one interaction that are taken together; the next counts as a first one",
        default=64,
        minimum=1,
        maximum=10_000,
    ),
    Parameter(
        name="interaction_idle_s",
        meaning="how long after its last call an interaction still counts as in progress",
        default=600,
        minimum=1,
        maximum=86_400,
    ),
    Parameter(
        name="tenant_interactions_max",
        meaning="interactions remembered for each tenant; beyond it the longest idle are forgotten",
        default=2_000,
        minimum=1,
        maximum=100_000,
    ),
)

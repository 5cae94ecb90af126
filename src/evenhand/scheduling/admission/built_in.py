"""Admissions, by the names that policies use."""

from evenhand.scheduling.admission.open_door import OpenDoor
from evenhand.scheduling.admission.protocol import Admission
from evenhand.scheduling.admission.request_rate import RequestRate
from evenhand.scheduling.admission.throttling import Throttling
from evenhand.scheduling.admission.token_rate import TokenRate
from evenhand.scheduling.interaction_dials import INTERACTION_DIALS
from evenhand.scheduling.parts import Parameter, Part

_PARTS: tuple[Part[Admission], ...] = (
    Part(
        name="none",
        summary="refuses nobody; only the limits of the queue do",
        build=lambda *_: OpenDoor(),
    ),
    Part(
        name="rpm",
        summary="refuses a tenant's requests beyond so many a minute, also while engines idle",
        build=lambda _, values: RequestRate(values["requests_per_minute"]),
        parameters=(
            Parameter(
                name="requests_per_minute",
                meaning="requests of one tenant that are admitted in any 60 seconds",
                default=60,
                minimum=1,
                maximum=60_000,
            ),
        ),
    ),
    Part(
        name="tpm",
        summary="refuses a tenant's tokens beyond so many a minute, also while engines idle",
        build=lambda ground, values: TokenRate(values["tokens_per_minute"], ground.expected_work),
        parameters=(
            Parameter(
                name="tokens_per_minute",
                meaning="tokens of one tenant, input and output, that are admitted in any 60 seconds",
                default=100_000,
                minimum=1,
                maximum=1_000_000_000,
            ),
        ),
    ),
    Part(
        name="oit",
        summary="refuses new interactions of tenants over their share, only while overloaded",
        build=Throttling,
        follows_interactions=True,
        parameters=(
            Parameter(
                name="overload_target_s",
                meaning="longest time that all that waits should take at the measured rate",
                default=10,
                minimum=1,
                maximum=3_600,
            ),
            Parameter(
                name="overload_sustained_s",
                meaning="how long the target must have been exceeded before anybody is refused",
                default=5,
                minimum=0,
                maximum=600,
            ),
            Parameter(
                name="overload_cleared_percent",
                meaning="part of the target below which overload ends and a tenant is within its share",
                default=70,
                minimum=1,
                maximum=100,
            ),
            *INTERACTION_DIALS,
        ),
    ),
)

ADMISSIONS: dict[str, Part[Admission]] = {part.name: part for part in _PARTS}

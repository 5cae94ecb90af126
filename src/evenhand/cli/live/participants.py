"""All parts of a gateway that take another configuration without a restart."""

from evenhand.cli.live.participant import Participant
from evenhand.cli.live.tenants import Tenants
from evenhand.scheduling import Scheduler


def participants(scheduler: Scheduler) -> list[Participant]:
    """In the order in which they are applied."""
    return [Tenants(scheduler)]

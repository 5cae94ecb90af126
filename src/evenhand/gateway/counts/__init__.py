"""What engines have counted, beside what the gateway has done there: the ground of reconciliation."""

from evenhand.gateway.counts.keeper import CountKeeper
from evenhand.gateway.counts.tally import EngineTally

__all__ = ["CountKeeper", "EngineTally"]

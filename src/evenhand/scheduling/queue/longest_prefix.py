"""The ticket that shares most of its prompt with what its engine's cache holds goes first.

Tickets wait near an engine, their home, which the placement has chosen. Those near an engine that has a
slot go by the length of their match there, ties and cold ones by arrival. If there are none, the oldest
of the others goes to another engine, so that nothing idles. Whoever has waited too long goes before
all of them, by arrival, so that neither cold requests starve behind hot prefixes nor large ones behind
small.

The order is the same however many wait.
"""

from collections.abc import Callable, Sequence

from evenhand.locality import WaitingPrompts
from evenhand.model import EngineName, TrustDomain
from evenhand.scheduling.node import Node
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.prefixes import Prefixes
from evenhand.scheduling.queue.protocol import ComparedQueue, Head, Rank, Stage, first_head
from evenhand.scheduling.queue.ranked import RankedQueue
from evenhand.scheduling.ticket import Ticket

_ALL = (None,)
_Near = tuple[TrustDomain, EngineName]


class LongestPrefixQueue:
    """A list of all tickets by the instant at which they have aged, and one for each home by match.

    What is believed of a match grows at once and shrinks when the ticket comes to the head: so no
    ticket stands further back than it should, and the head is exact. A second try arrives anew.
    """

    def __init__(self, prefixes: Prefixes, *, age_ms_max: int, asks_above_leaves: bool) -> None:
        self._prefixes = prefixes
        self._age_ms_max = age_ms_max
        self._asks_above_leaves = asks_above_leaves
        self._by_age = RankedQueue(self._due, asks_above_leaves=asks_above_leaves)
        # Bounded by the engines, and by what waits.
        self._by_match: dict[EngineName, RankedQueue] = {}
        self._prompts: dict[_Near, WaitingPrompts[int]] = {}
        self._tickets: dict[int, Ticket] = {}
        self._matched: dict[Ticket, int] = {}
        self._checked: dict[Ticket, int] = {}
        """How often something had been lost when its match was last looked up."""
        self._improved: Callable[[Ticket], None] | None = None
        prefixes.listen(self._gained)

    def queued(self, ticket: Ticket) -> None:
        self._by_age.queued(ticket)
        home = ticket.home
        if home is not None:
            self._tickets[ticket.sequence] = ticket
            self._look_up(ticket, home)
            self._near(home).queued(ticket)
            self._prompts_near(ticket, home).add(ticket.sequence, ticket.request.prefix)
        if self._improved is not None:
            self._improved(ticket)

    def unqueued(self, ticket: Ticket) -> None:
        self._by_age.unqueued(ticket)
        home = ticket.home
        if home is None:
            return
        self._by_match[home].unqueued(ticket)
        del self._tickets[ticket.sequence], self._matched[ticket], self._checked[ticket]
        prompts = self._prompts_near(ticket, home)
        prompts.remove(ticket.sequence, ticket.request.prefix)
        if not len(prompts):
            del self._prompts[ticket.request.trust_domain, home]

    def first(self, node: Node, openings: Openings, now_ms: int) -> Ticket:
        stages, pools = self.stages(openings, now_ms), openings.pools
        return first_head(stages, lambda which: (self.head(node, p, which) for p in pools))[2]

    def head(self, node: Node, pool: Pool, which: EngineName | None) -> Head | None:
        if which is None:
            return self._by_age.head(node, pool, None)
        tickets = self._by_match.get(which)
        while tickets is not None and (head := tickets.head(node, pool, None)) is not None:
            if not self._has_shrunk(head[2], which):
                return head
        return None

    def lists_of(self, ticket: Ticket) -> Sequence[EngineName | None]:
        return _ALL if ticket.home is None else (None, ticket.home)

    def stages(self, openings: Openings, now_ms: int) -> Sequence[Stage]:
        aged = Stage(_ALL, (now_ms,))
        return aged, Stage(tuple(openings.engines)), Stage(_ALL)

    def watch(self, improved: Callable[[Ticket], None]) -> None:
        self._improved = improved

    def _gained(
        self, domain: TrustDomain, engine: EngineName, prefix: bytes, held_bytes: int
    ) -> None:
        prompts = self._prompts.get((domain, engine))
        if prompts is None:
            return
        grown = []
        for sequence, matched in prompts.grown(prefix, held_bytes):
            ticket = self._tickets[sequence]
            self._checked[ticket] = self._prefixes.losses
            self._rank_anew(ticket, engine, matched)
            grown.append(ticket)
        if self._improved is not None:
            for ticket in grown:  # when all have moved: whoever is told looks at the heads
                self._improved(ticket)

    def _has_shrunk(self, ticket: Ticket, home: EngineName) -> bool:
        """Whether it had to be moved back."""
        if self._checked[ticket] == self._prefixes.losses:
            return False
        before = self._matched[ticket]
        self._look_up(ticket, home)
        matched = self._matched[ticket]
        assert matched <= before, "an engine gained a prefix and nobody was told"
        if matched == before:
            return False
        self._rank_anew(ticket, home, matched)
        return True

    def _look_up(self, ticket: Ticket, home: EngineName) -> None:
        self._matched[ticket] = self._prefixes.matched(ticket.request, home)
        self._checked[ticket] = self._prefixes.losses

    def _rank_anew(self, ticket: Ticket, home: EngineName, matched: int) -> None:
        tickets = self._by_match[home]
        tickets.unqueued(ticket)
        self._matched[ticket] = matched
        tickets.queued(ticket)

    def _near(self, home: EngineName) -> RankedQueue:
        tickets = self._by_match.get(home)
        if tickets is None:
            tickets = self._by_match[home] = RankedQueue(
                self._longest, asks_above_leaves=self._asks_above_leaves
            )
        return tickets

    def _prompts_near(self, ticket: Ticket, home: EngineName) -> WaitingPrompts[int]:
        near = (ticket.request.trust_domain, home)
        prompts = self._prompts.get(near)
        if prompts is None:
            prompts = self._prompts[near] = WaitingPrompts()
        return prompts

    def _due(self, ticket: Ticket) -> Rank:
        """When it has aged: in time to start before it has waited too long."""
        return (ticket.queued_ms + min(self._age_ms_max, ticket.request.queue_wait_ms_max // 2),)

    def _longest(self, ticket: Ticket) -> Rank:
        return (-self._matched[ticket],)


_: type[ComparedQueue] = LongestPrefixQueue

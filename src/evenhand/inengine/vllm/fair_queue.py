"""vLLM's waiting queue, in the core's order."""

from collections.abc import Iterable, Iterator
from typing import Any

from vllm.v1.core.sched.request_queue import RequestQueue
from vllm.v1.request import Request, RequestStatus

from evenhand.inengine.host import ENGINE
from evenhand.inengine.tenant_hints import NO_DOMAIN
from evenhand.inengine.vllm.record import Record
from evenhand.inengine.vllm.roster import Roster, prefix_part
from evenhand.model import Outcome, TenantPath
from evenhand.scheduling.batching import KvCeilings, Prefill

_HEADS_MAX = 16
_CORRECTIONS_MAX = 16


class FairQueue(RequestQueue):
    """`pop_request` takes whom `peek_request` has named. It is empty, for whoever asks whether there is
    anybody, also when those who wait are held back; `len` counts them.

    Requests that cannot run whatever happens, because a grammar is being compiled, do not compete:
    `unblock` asks again, once a step.
    """

    def __init__(self, roster: Roster, engine: Any, scheduler: Any, ceilings: KvCeilings) -> None:
        self._roster = roster
        self._engine = engine
        self._scheduler = scheduler
        self._ceilings = ceilings
        # These are bounded by what the engine's front end lets in.
        self._waiting: dict[str, Request] = {}
        self._by_tenant: dict[TenantPath, dict[str, Record]] = {}
        self._blocked: dict[str, Request] = {}
        self._held_back: set[TenantPath] = set()
        self._popped: Request | None = None
        self._head: Request | None = None
        self._is_charged = False
        self._corrected: set[str] = set()

    # vLLM asks.

    def add_request(self, request: Request) -> None:
        if request.request_id in self._roster.records:
            self.prepend_request(request)  # a session that goes on
        elif _is_blocked(request):
            self._blocked[request.request_id] = request
        else:
            self._arrive(request)

    def peek_request(self) -> Request:
        head = self._next()
        if head is None:
            raise IndexError("nobody may be started")
        return head

    def pop_request(self) -> Request:
        head = self._next()
        assert head is not None, "nobody may be started"
        started = self._roster.host.start(self._roster.clock.now_ms)
        assert started == head.request_id, f"{started} was named, not {head.request_id}"
        self._forget(head.request_id)
        self._popped = head
        return head

    def prepend_request(self, request: Request) -> None:
        """It was preempted, or was popped only to be looked at later."""
        if request is self._popped:
            self._popped = None
        self.note_popped()
        self._head = None
        record = self._roster.waits_again(request)
        self._wait(request, record)

    def prepend_requests(self, requests: Iterable[Request]) -> None:
        for request in requests:
            self.prepend_request(request)

    def remove_request(self, request: Request) -> None:
        """Its end is told of by `ended`."""
        self.remove_requests((request,))

    def remove_requests(self, requests: Iterable[Request]) -> None:
        del requests  # `ended` comes for each of them

    def __bool__(self) -> bool:
        if not self._waiting:
            return False
        if self._head is not None or not self._engine.has_seat():
            return True  # nobody is taken without a seat, so who it would be need not be known
        return self._next() is not None

    def __len__(self) -> int:
        return len(self._waiting) + len(self._blocked)

    def __iter__(self) -> Iterator[Request]:
        yield from self._waiting.values()
        yield from self._blocked.values()

    # The scheduler tells.

    def begin_step(self) -> None:
        """Before a step is scheduled: what was true in the last one may not be any more."""
        self.outputs_came()
        if self._corrected:
            self._corrected.clear()
        if self._blocked:
            for request in [r for r in self._blocked.values() if self._engine.unblocks(r)]:
                del self._blocked[request.request_id]
                self._arrive(request)
        if self._ceilings.are_set:
            self._count_memory()

    def outputs_came(self) -> None:
        """Answers are longer than the core knows."""
        self._head, self._is_charged = None, False

    def note_popped(self) -> None:
        """The request that was popped last runs by now, unless it was skipped."""
        request, self._popped = self._popped, None
        if request is None:
            return
        if request.status == RequestStatus.RUNNING:
            self._roster.began(request)
            if self._ceilings.are_set:
                needed = self._engine.blocks_needed(request.num_tokens)
                self._ceilings.take(self._roster.tenant(request), needed)

    def ended(self, request: Request, outcome: Outcome) -> None:
        """Once for each request that was added."""
        self._head = None
        if self._popped is request:
            self._popped = None
        if self._blocked.pop(request.request_id, None) is None:
            waits = request.request_id in self._waiting
            if waits:
                self._forget(request.request_id)
            self._roster.ended(request, outcome, waits=waits)

    def heads(self, *, beside_prompts: bool) -> list[Prefill]:
        """The first to wait of each tenant, as far as there are seats, and memory for their prompts.
        `beside_prompts`: what they would take is taken from others, so it is not overrated."""
        seats = min(self._engine.seats_free(), _HEADS_MAX)
        if not seats or not self._by_tenant:
            return []
        blocks, heads = self._engine.free_blocks(), list[Prefill]()
        for tenant, waiting in self._by_tenant.items():
            if len(heads) >= seats:
                break
            if tenant in self._held_back:
                continue
            record = next(iter(waiting.values()))
            if beside_prompts and record.cached_guess is None:
                record.cached_guess = self._engine.cached_tokens(record.request)
            tokens = max(1, record.prompt_left - (record.cached_guess or 0))
            blocks -= self._engine.blocks_needed(tokens)
            if blocks < 0:
                break
            heads.append(Prefill(tenant, tokens))
        return heads

    def charge(self) -> None:
        """Tell the core of all tokens that have come, once a step."""
        if not self._is_charged:
            self._is_charged = True
            self._roster.charge(self._scheduler.running)

    # Inside.

    def _arrive(self, request: Request) -> None:
        # Whoever begins to wait is lifted to those who are there, so these must be up to date.
        self.charge()
        self._head = None
        self._wait(request, self._roster.arrived(request))

    def _wait(self, request: Request, record: Record) -> None:
        self._waiting[request.request_id] = request
        self._by_tenant.setdefault(record.tenant, {})[request.request_id] = record

    def _forget(self, request_id: str) -> None:
        """It waits no more."""
        self._head = None
        del self._waiting[request_id]
        record = self._roster.records[request_id]
        own = self._by_tenant[record.tenant]
        del own[request_id]
        if not own:
            del self._by_tenant[record.tenant]

    def _next(self) -> Request | None:
        """Whom the core names; asked anew only when something has changed."""
        if self._head is not None:
            return self._head
        self.note_popped()
        if len(self._by_tenant) > 1:
            self.charge()  # one tenant alone goes first whatever it had
        roster, now_ms = self._roster, self._roster.clock.now_ms
        # Some that the core takes to run may have been skipped, or wait for their memory to be loaded.
        absent = roster.host.running - len(self._scheduler.running)
        roster.host.seats_now(self._engine.seats + max(0, absent))
        while True:
            head = roster.host.head(now_ms)
            if head is None:
                return None
            record = roster.records[head]
            if not self._may_begin(record):
                self._hold_back(record.tenant)
            elif not self._corrects(record):
                self._head = record.request
                return self._head

    def _may_begin(self, record: Record) -> bool:
        if not self._ceilings.are_set:
            return True
        needed = self._engine.blocks_needed(record.request.num_tokens)
        return self._ceilings.admits(record.tenant, needed)

    def _hold_back(self, tenant: TenantPath) -> None:
        self._held_back.add(tenant)
        self._roster.host.scheduler.hold_back(tenant)

    def _count_memory(self) -> None:
        """How much everybody has; whoever may have more competes again."""
        roster = self._roster
        self._ceilings.count(
            (roster.tenant(request), self._engine.blocks_of(request))
            for request in self._scheduler.running
        )
        for tenant in sorted(self._held_back):
            waiting = self._by_tenant.get(tenant)
            if waiting is None or self._may_begin(next(iter(waiting.values()))):
                self._held_back.remove(tenant)
                roster.host.scheduler.let_go(tenant)

    def _corrects(self, record: Record) -> bool:
        """Whether the core believed something else of the cache than the engine knows, so that it is to
        be asked again. Once a step for each of some requests."""
        request_id = record.request.request_id
        is_due = record.prefix and record.cached_tokens is None
        if not is_due or request_id in self._corrected or len(self._corrected) >= _CORRECTIONS_MAX:
            return False
        self._corrected.add(request_id)
        blocks = self._engine.cached_blocks(record.request)
        scheduler = self._roster.host.scheduler
        known = prefix_part(record.prefix, blocks)
        beyond = prefix_part(record.prefix, blocks + 1)
        scheduler.stored(ENGINE, known, NO_DOMAIN)
        if len(beyond) > len(known):
            scheduler.evicted(ENGINE, beyond, NO_DOMAIN)
        return True


def _is_blocked(request: Request) -> bool:
    return bool(request.status == RequestStatus.WAITING_FOR_STRUCTURED_OUTPUT_GRAMMAR)

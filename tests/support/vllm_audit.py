"""Keeps books of its own of what vLLM's scheduler does, and holds it to what is promised.

Nothing of the plug-in is used but what it says: what the core believes is compared with what vLLM does.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vllm.utils.math_utils import cdiv
from vllm.v1.core.sched.interface import PauseState
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.request import Request, RequestStatus

from support.vllm_bare import BLOCK_TOKENS, Ask, BareEngine, Shape, Step

BLOCKED = {RequestStatus.WAITING_FOR_STRUCTURED_OUTPUT_GRAMMAR}

INPUT, CACHED, OUTPUT = 10, 1, 20
"""What a token costs."""


@dataclass(eq=False)
class Work:
    """What was done for a request. `position` is how far its text was ever computed."""

    tenant: str
    prompt_tokens: int
    cached: int | None = None
    position: int = 0
    recomputed: int = 0
    outputs: int = 0

    @property
    def units(self) -> int:
        """Every place of its text once, however often it was computed."""
        if self.cached is None:
            return 0
        computed = min(self.position, self.prompt_tokens) - self.cached
        return computed * INPUT + self.cached * CACHED + self.outputs * OUTPUT


class AuditedEngine(BareEngine):
    """`tenants`: of each request's id, who asked."""

    def __init__(self, scheduler: Scheduler, shape: Shape) -> None:
        super().__init__(scheduler, is_async=shape.is_async)
        self.shape = shape
        self.work: dict[str, Work] = {}
        self.served: Counter[str] = Counter()
        """Units of work done for each tenant so far."""
        self.seen: Counter[str] = Counter()
        """What happened, so that a run can be asked whether it was worth while."""
        self.host: Any = getattr(scheduler, "host", None)
        self.peeked: Request | None = None
        self.unsettled_peak = 0
        _note_peeks(scheduler.waiting, self)

    # What is done.

    def ask(self, tenant: str, ask: Ask) -> None:
        self.work[ask.id] = Work(tenant, len(ask.prompt))
        self.add(ask)
        self.check_books()

    def abort(self, names: Iterable[str]) -> None:
        super().abort(names)
        self.check_books()

    def schedule(self) -> Step:
        preempted_before = self._preemptions()
        self.peeked = None
        step = super().schedule()
        for name, tokens in step.scheduled.items():
            self._computed(name, tokens)
        preempted = self._preemptions() - preempted_before
        self.seen["preemptions"] += preempted
        self.check_work_is_conserved(step, preempted=bool(preempted))
        self.check_books()
        unsettled = sum(w.cached is not None and n not in self.ended for n, w in self.work.items())
        self.unsettled_peak = max(self.unsettled_peak, unsettled)
        return step

    def update(self, step: Step) -> None:
        super().update(step)
        for name in step.samples:
            work = self.work[name]
            new = len(self.answers[name]) - work.outputs
            work.outputs += new
            self.served[work.tenant] += new * OUTPUT
        self.check_books()

    def _computed(self, name: str, tokens: int) -> None:
        work, end = self.work[name], self.requests[name].num_computed_tokens
        start, before = end - tokens, work.units
        if work.cached is None:
            work.cached = work.position = start
            self.seen["cached tokens"] += start
        again = max(0, min(end, work.position) - start)
        work.recomputed += again
        self.seen["recomputed tokens"] += again
        work.position = max(work.position, end)
        self.served[work.tenant] += work.units - before

    def _preemptions(self) -> int:
        return sum(request.num_preemptions for request in self.scheduler.requests.values())

    # What is promised.

    def waiting(self) -> list[Request]:
        scheduler = self.scheduler
        return [*scheduler.waiting, *scheduler.kv_holding_waiting]

    def admissible(self) -> list[Request]:
        """Those who wait for nothing but their turn."""
        return [
            request
            for request in self.waiting()
            if request.status in (RequestStatus.WAITING, RequestStatus.PREEMPTED)
            and not (request.num_stale_output_tokens and not request.drop_stale_output)
        ]

    def fits(self, request: Request) -> bool:
        """Whether the engine has room for its whole text at this moment."""
        manager = self.scheduler.kv_cache_manager
        blocks, _, _ = manager.get_computed_blocks(request)
        held = blocks.blocks[0]
        new = cdiv(request.num_tokens, BLOCK_TOKENS) - len(held)
        idle = sum(block.ref_cnt == 0 for block in held)
        return bool(new + idle <= manager.block_pool.get_num_free_blocks())

    def check_work_is_conserved(self, step: Step, *, preempted: bool) -> None:
        """Whoever may start waits only where the engine's own limits say so."""
        scheduler, admissible = self.scheduler, self.admissible()
        if not admissible or scheduler.pause_state != PauseState.UNPAUSED:
            return
        self.seen["steps with somebody waiting"] += 1
        if preempted or len(scheduler.running) >= self.shape.seats:
            return
        if sum(step.scheduled.values()) >= self.shape.step_tokens:
            return
        peeked = self.peeked
        assert peeked is not None, f"a seat is free, and nobody is offered of {len(admissible)}"
        assert peeked in admissible, "a seat is free, and who was offered last was taken"
        assert not self.fits(peeked), f"{peeked.request_id} fits"
        self.seen["steps without room"] += 1

    def check_books(self) -> None:
        """The core believes what is so."""
        if self.host is None:
            return
        tickets = self.host.scheduler._tickets
        waiting = {name for name, ticket in tickets.items() if ticket.engine is None}
        running = tickets.keys() - waiting
        scheduler = self.scheduler
        # Who waits for a grammar may be kept from the contest.
        might = {request.request_id for request in self.waiting()}
        must = {r.request_id for r in self.waiting() if r.status not in BLOCKED}
        assert must <= waiting <= might, f"core: {waiting - might}, vLLM: {must - waiting} wait"
        runs = {request.request_id for request in scheduler.running}
        assert running == runs, f"core: {running - runs}, vLLM: {runs - running} run"

    def check_rest(self) -> None:
        """Nothing is left, every request has ended as it should, and everything is paid exactly once."""
        scheduler = self.scheduler
        assert not scheduler.requests
        assert not scheduler.running
        assert not self.waiting()
        pool = scheduler.kv_cache_manager.block_pool
        assert pool.get_num_free_blocks() == self.shape.blocks - 1, "one block is never lent"
        for name, ask in self.asks.items():
            ended = self.ended[name]
            assert ended.answer == ask.answer(len(ended.answer)), f"{name}: {ended.answer}"
            if ended.reason not in ("abort", "error"):
                assert len(ended.answer) == ask.output_tokens, name
        if self.host is not None:
            self.check_charges()

    def check_charges(self) -> None:
        """Each tenant was charged what was computed for it, each place of a text once."""
        core = self.host.scheduler
        assert not core._tickets
        for tenant in {work.tenant for work in self.work.values()}:
            due = sum(work.units for work in self.work.values() if work.tenant == tenant)
            charged = core.served_units((tenant,))
            assert charged == due, f"{tenant} was charged {charged}, not {due}"


def _note_peeks(queue: Any, engine: AuditedEngine) -> None:
    """Which request is offered last is not to be seen otherwise."""
    peek = queue.peek_request

    def peek_request() -> Request:
        engine.peeked = peek()
        return engine.peeked

    queue.peek_request = peek_request

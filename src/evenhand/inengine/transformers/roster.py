"""Every open request, and what the core and the accounts are told of it."""

from array import array
from collections.abc import Callable
from typing import Any

from evenhand.inengine.accounts import Accounts
from evenhand.inengine.host import Arrival, EngineHost
from evenhand.inengine.step_clock import StepClock
from evenhand.inengine.transformers.record import Record
from evenhand.inengine.transformers.tenants import Hints
from evenhand.model import Outcome, RequestId, TenantPath


class Roster:
    """For each request: `arrived`, then `began` and `left` in turns, then `ended`."""

    def __init__(
        self, host: EngineHost, clock: StepClock, hints: Hints, *, tokens_max: int
    ) -> None:
        self.host = host
        self.clock = clock
        self.accounts = Accounts()
        self._hints = hints
        self._tokens_max = tokens_max
        self._number = 0
        # These are bounded by what the engine's front end lets in.
        self.records: dict[str, Record] = {}
        self.waiting: dict[TenantPath, dict[str, Record]] = {}
        self._left: dict[str, Record] = {}

    def arrived(self, state: Any) -> None:
        """It waits from now on. ValueError: it cannot be served."""
        request_id = state.request_id
        if request_id in self._left and _was_begun(state):
            self._wait(self._taken_back(state))
            return
        self.tell_of_ends()
        if request_id in self.records:
            raise ValueError(
                f"evenhand: a request with the id {request_id!r} is open already. Give each its own."
            )
        tokens = len(state.initial_tokens) + (state.max_new_tokens or 1)
        if tokens > self._tokens_max:
            raise ValueError(
                f"evenhand: prompt and answer may take {tokens} tokens, and the cache holds"
                f" {self._tokens_max}. Ask for less, or give the engine more blocks."
            )
        self._wait(self._arrived(state))

    def began(self, state: Any) -> None:
        """The engine has taken whom the core named; how much of its prompt was cached is known."""
        record, now_ms = self.records[state.request_id], self.clock.now_ms
        named = self.host.start(now_ms)
        assert named == record.id, f"{named} was named, not {record.id}"
        self._wait_no_more(record)
        record.positions.begin(state.position_offset)
        if record.cached_tokens is None:
            record.cached_tokens = cached = min(state.position_offset, record.prompt_tokens)
            self.host.counted(record.id, record.prompt_tokens, cached, now_ms)

    def left(self, state: Any) -> None:
        """It runs no more: it has ended, or the engine takes it back, which only its return tells."""
        record = self.records[state.request_id]
        self._stop(record)
        self._left[state.request_id] = record

    def ended(self, state: Any, outcome: Outcome) -> None:
        """It is over, whether it ran or still waited."""
        record = self.records[state.request_id]
        waits = state.request_id in self.waiting.get(record.tenant, ())
        if waits:
            self._wait_no_more(record)
        self._end(record, outcome, waits=waits)

    def tell_of_ends(self) -> None:
        """Who has left and did not return has ended."""
        left, self._left = self._left, {}
        for record in left.values():
            failed = record.state.error is not None
            self._end(record, Outcome.ENGINE_FAILED if failed else Outcome.COMPLETED, waits=False)

    def all_ended(self) -> None:
        """The engine has lost all that it had."""
        self.tell_of_ends()
        for record in list(self.records.values()):
            self.ended(record.state, Outcome.ENGINE_FAILED)

    def notice_copies(self, running: dict[str, Any]) -> None:
        """The engine copies a running request for each further answer that was asked for."""
        if running.keys() <= self.records.keys():
            return
        for request_id, state in running.items():
            if request_id not in self.records:
                copy = self.records[_original(request_id)].copy(state)
                copy.positions.begin(state.position_offset)
                self.records[request_id] = copy

    def charge(self, running: dict[str, Any]) -> None:
        """Tell the core of all tokens of answers that have come."""
        produced: dict[str, int] = {}
        for request_id in running:
            record = self.records[request_id]
            before = produced.get(record.id, record.original.ended_tokens)
            produced[record.id] = before + record.answer_tokens
        totals = [(RequestId(name), tokens) for name, tokens in produced.items() if tokens]
        self.host.produced_in_all(totals, self.clock.now_ms)

    def accounts_now(self) -> Accounts:
        """With what runs so far. O(open requests)."""
        return self.accounts.with_running(
            (record.tenant, record.positions.so_far(record.state.position_offset))
            for record in self.records.values()
        )

    def standings(self) -> Callable[[Record], tuple[int, ...]]:
        """A key for sorting, at one moment: of the tenant that has had most for its weight it is
        greatest. One of each group is asked."""
        found: dict[object, tuple[int, ...]] = {}

        def standing(record: Record) -> tuple[int, ...]:
            if record.group not in found:
                found[record.group] = self.host.standing(record.id)
            return found[record.group]

        return standing

    # Inside.

    def _arrived(self, state: Any) -> Record:
        request_id, host = state.request_id, self.host
        original = self.records.get(_original(request_id))
        hints = self._hints.of(request_id if original is None else original.id)
        lane = host.settings.lane(hints.lane)
        caps = host.settings.caps(lane)
        most = caps.output_tokens_max
        if most is not None and (state.max_new_tokens is None or state.max_new_tokens > most):
            state.max_new_tokens = most
            state._new_tokens_limit = most  # noqa: SLF001 - what the engine holds it to
        arrival = Arrival(
            id=request_id,
            hints=hints,
            input_tokens=len(state.initial_tokens),
            output_tokens_max=state.max_new_tokens,
            prefix=array("I", state.initial_tokens).tobytes() if host.reads_prefix else b"",
        )
        tenant = host.arrived(arrival, self.clock.now_ms)
        self._number += 1
        group = tenant, lane
        record = Record(state, group, caps, self._number, application=hints.application)
        self.records[request_id] = record
        return record

    def _taken_back(self, state: Any) -> Record:
        record = self._left.pop(state.request_id)
        if record.original is not record or record.open_records > 1:
            # The others of its family run on, so from now on it is a request of its own.
            self._end(record, Outcome.COMPLETED, waits=False)
            return self._arrived(state)
        record.state = state
        self.host.preempted(record.id, self.clock.now_ms)
        return record

    def _end(self, record: Record, outcome: Outcome, *, waits: bool) -> None:
        self._stop(record)
        original = record.original
        original.ended_tokens += record.answer_tokens
        original.positions.mark = max(original.positions.mark, record.positions.mark)
        original.open_records -= 1
        del self.records[record.state.request_id]
        if not original.open_records:
            now_ms = self.clock.now_ms
            self.host.ended(original.id, original.usage(), outcome, now_ms, waits=waits)
            self._hints.forget(original.id)

    def _stop(self, record: Record) -> None:
        if record.positions.start is not None:
            computed = record.positions.stop(record.state.position_offset)
            self.accounts.book(record.tenant, computed)

    def _wait(self, record: Record) -> None:
        self.waiting.setdefault(record.tenant, {})[record.state.request_id] = record

    def _wait_no_more(self, record: Record) -> None:
        waiting = self.waiting[record.tenant]
        del waiting[record.state.request_id]
        if not waiting:
            del self.waiting[record.tenant]


def _was_begun(state: Any) -> bool:
    return bool(state.is_cpu_offloaded or state._true_initial_tokens)  # noqa: SLF001 - says no less


def _original(request_id: str) -> str:
    """Of which request a copy is, by how the engine names copies."""
    return request_id.rpartition("__child#")[0]

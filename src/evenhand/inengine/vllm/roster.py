"""Every open request, and what the core and the accounts are told of it."""

from collections.abc import Iterable, Mapping

from vllm.v1.request import Request

from evenhand.inengine.accounts import Accounts
from evenhand.inengine.host import Arrival, EngineHost
from evenhand.inengine.settings import LaneCaps
from evenhand.inengine.step_clock import StepClock
from evenhand.inengine.step_time import StepOwner
from evenhand.inengine.tenant_hints import HintReader
from evenhand.inengine.vllm.record import Record
from evenhand.model import NO_USAGE, Outcome, RequestId, TenantPath, Usage

_PREFIX_BYTES_OF_BLOCK = 8


class Roster:
    """For each request: `arrived`, then `began` and `taken_back` in turns, then `ended`."""

    def __init__(self, host: EngineHost, clock: StepClock, hints: HintReader) -> None:
        self.host = host
        self.clock = clock
        self.accounts = Accounts()
        self._hints = hints
        self._number = 0
        self.records: dict[str, Record] = {}
        """Bounded by what the engine's front end lets in."""
        self.version = 0
        """How often another set of requests has run."""
        self.targets_ms: dict[int, int] = {}
        """How soon answers that run are to get their next tokens, and how many are."""

    def arrived(self, request: Request) -> Record:
        """It waits from now on."""
        told = request.sampling_params.extra_args if request.sampling_params is not None else None
        hints = self._hints.read(told)
        lane = self.host.settings.lane(hints.lane)
        caps = self.host.settings.caps(lane)
        _limit(request, caps)
        prefix = prefix_of(request) if self.host.reads_prefix else b""
        arrival = Arrival(
            id=request.request_id,
            hints=hints,
            input_tokens=request.num_prompt_tokens,
            output_tokens_max=request.max_tokens,
            prefix=prefix,
        )
        tenant = self.host.arrived(arrival, self.clock.now_ms)
        self._number += 1
        group = tenant, lane
        record = Record(request, group, caps, self._number, prefix, application=hints.application)
        self.records[request.request_id] = record
        return record

    def began(self, request: Request) -> None:
        """It was started and runs: how much of its prompt was in the cache is known."""
        record = self.records[request.request_id]
        record.positions.begin(request.num_computed_tokens)
        self.version += 1
        if record.caps.inter_token_ms is not None:
            target_ms = record.caps.inter_token_ms
            self.targets_ms[target_ms] = self.targets_ms.get(target_ms, 0) + 1
        if record.cached_tokens is None:
            prompt = request.num_prompt_tokens
            record.cached_tokens = cached = min(request.num_computed_tokens, prompt)
            self.host.counted(request.request_id, prompt, cached, self.clock.now_ms)

    def taken_back(self, request: Request) -> None:
        """It runs no more, and is going to wait; its place is still as it was."""
        self._stop(self.records[request.request_id])

    def waits_again(self, request: Request) -> Record:
        """It was started, and competes again."""
        record = self.records[request.request_id]
        self._stop(record)  # a session that pauses was not taken back
        self.host.preempted(request.request_id, self.clock.now_ms)
        return record

    def ended(self, request: Request, outcome: Outcome, *, waits: bool) -> Record:
        """It is over, whether it ran or `waits`."""
        record = self.records.pop(request.request_id)
        self._stop(record)
        usage, cached = NO_USAGE, record.cached_tokens
        if cached is not None:
            # Of a prompt that was broken off it has used as much as was computed.
            used = min(request.num_prompt_tokens, record.positions.mark)
            usage = Usage(used, request.num_output_tokens, min(cached, used))
        now_ms = self.clock.now_ms
        self.host.ended(request.request_id, usage, outcome, now_ms, waits=waits)
        return record

    def charge(self, running: Iterable[Request]) -> None:
        """Tell the core of all tokens of answers that have come."""
        self.host.produced_in_all(
            [
                (RequestId(request.request_id), tokens)
                for request in running
                if (tokens := request.num_output_tokens)
            ],
            self.clock.now_ms,
        )

    def places(self, names: Iterable[str]) -> dict[Request, int]:
        """How far those of them that are open are computed."""
        records = [self.records[name] for name in names if name in self.records]
        return {record.request: record.request.num_computed_tokens for record in records}

    def accounts_now(self) -> Accounts:
        """With what runs so far. O(open requests)."""
        return self.accounts.with_running(
            (record.tenant, record.positions.so_far(record.request.num_computed_tokens))
            for record in self.records.values()
        )

    def owners(self, tokens: Mapping[str, int]) -> dict[StepOwner, int]:
        """Whose so many tokens of each request are."""
        owners: dict[StepOwner, int] = {}
        for name, count in tokens.items():
            owner = self.records[name].gpu_owner
            owners[owner] = owners.get(owner, 0) + count
        return owners

    def tenant(self, request: Request) -> TenantPath:
        return self.records[request.request_id].tenant

    def _stop(self, record: Record) -> None:
        if record.positions.start is None:
            return
        self.accounts.book(record.tenant, record.positions.stop(record.request.num_computed_tokens))
        self.version += 1
        target_ms = record.caps.inter_token_ms
        if target_ms is not None:
            self.targets_ms[target_ms] -= 1
            if not self.targets_ms[target_ms]:
                del self.targets_ms[target_ms]


def prefix_of(request: Request) -> bytes:
    """By which prompts are compared: their blocks' hashes, each of which names all that comes before."""
    return b"".join(bytes(block)[:_PREFIX_BYTES_OF_BLOCK] for block in request.block_hashes)


def prefix_part(prefix: bytes, blocks: int) -> bytes:
    """Of so many blocks."""
    return prefix[: blocks * _PREFIX_BYTES_OF_BLOCK]


def _limit(request: Request, caps: LaneCaps) -> None:
    """To what its lane may ask for."""
    parameters = request.sampling_params
    if parameters is None:
        return
    most = caps.output_tokens_max
    if most is not None and request.max_tokens > most:
        request.max_tokens = parameters.max_tokens = most
        parameters.min_tokens = min(parameters.min_tokens, most)
    thinking = caps.thinking_tokens_max
    if thinking is not None:
        asked = parameters.thinking_token_budget
        is_less = asked is not None and 0 <= asked < thinking
        parameters.thinking_token_budget = asked if is_less else thinking

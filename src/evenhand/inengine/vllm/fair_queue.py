"""vLLM's waiting queue, in the core's order."""

from collections.abc import Iterable, Iterator

from vllm.v1.core.sched.request_queue import RequestQueue
from vllm.v1.request import Request

from evenhand.inengine.host import Arrival, EngineHost
from evenhand.inengine.tenant_hints import NO_HINTS, read
from evenhand.inengine.step_clock import StepClock
from evenhand.model import NO_USAGE, Outcome, Usage


class FairQueue(RequestQueue):
    """`pop_request` takes whom `peek_request` has named. It is empty, for whoever asks whether there is
    anybody, also when those who wait are held back; `len` counts them."""

    def __init__(self, host: EngineHost, clock: StepClock, *, trusts_hints: bool) -> None:
        self._host = host
        self._clock = clock
        self._trusts_hints = trusts_hints
        # Bounded by what the engine's front end lets in.
        self._waiting: dict[str, Request] = {}
        self._cached: dict[str, int] = {}
        self._popped: Request | None = None

    # vLLM asks.

    def add_request(self, request: Request) -> None:
        parameters = request.sampling_params
        told = parameters.extra_args if parameters is not None and self._trusts_hints else None
        self._host.arrived(
            Arrival(
                id=request.request_id,
                hints=read(told) if told else NO_HINTS,
                input_tokens=request.num_prompt_tokens,
                output_tokens_max=request.max_tokens,
            ),
            self._clock.now_ms,
        )
        self._waiting[request.request_id] = request

    def peek_request(self) -> Request:
        self.note_popped()
        head = self._host.head(self._clock.now_ms)
        if head is None:
            raise IndexError("nobody may be started")
        return self._waiting[head]

    def pop_request(self) -> Request:
        request = self._waiting.pop(self._host.start(self._clock.now_ms))
        self._popped = request
        return request

    def prepend_request(self, request: Request) -> None:
        """It was preempted, or was popped only to be looked at later."""
        self.note_popped()
        self._host.preempted(request.request_id, self._clock.now_ms)
        self._waiting[request.request_id] = request

    def prepend_requests(self, requests: Iterable[Request]) -> None:
        for request in requests:
            self.prepend_request(request)

    def remove_request(self, request: Request) -> None:
        """Its end is told of by `ended`."""
        self._waiting.pop(request.request_id, None)

    def remove_requests(self, requests: Iterable[Request]) -> None:
        for request in requests:
            self.remove_request(request)

    def __bool__(self) -> bool:
        if not self._waiting:
            return False
        self.note_popped()
        return self._host.head(self._clock.now_ms) is not None

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Request]:
        return iter(self._waiting.values())

    # The scheduler tells.

    def note_popped(self) -> None:
        """How much of the prompt of the one popped last was cached is known by now, before the next is
        chosen."""
        request, self._popped = self._popped, None
        if request is None or request.num_preemptions or request.request_id in self._cached:
            return
        if request.request_id in self._waiting:
            return  # it came back
        cached = min(request.num_computed_tokens, request.num_prompt_tokens)
        self._cached[request.request_id] = cached
        self._host.counted(
            request.request_id, request.num_prompt_tokens, cached, self._clock.now_ms
        )

    def produced(self, request: Request) -> None:
        self._host.produced(request.request_id, request.num_output_tokens, self._clock.now_ms)

    def ended(self, request: Request, outcome: Outcome) -> None:
        """Once for each request that was added."""
        cached = self._cached.pop(request.request_id, None)
        usage = NO_USAGE
        if cached is not None:
            usage = Usage(request.num_prompt_tokens, request.num_output_tokens, cached)
        self._host.ended(request.request_id, usage, outcome, self._clock.now_ms)

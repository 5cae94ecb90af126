"""Tokens per minute: expected at arrival, corrected when a request has ended. See rates.md."""

from collections.abc import Callable

from evenhand.model import Outcome, Request, RequestId, Usage
from evenhand.scheduling.admission.overload import OverloadStatus
from evenhand.scheduling.admission.protocol import Admission
from evenhand.scheduling.admission.token_window import MEMORY_MS, TokenWindow
from evenhand.scheduling.cost.protocol import Work
from evenhand.scheduling.decisions import Refusal
from evenhand.scheduling.node import Node
from evenhand.scheduling.tenant_memory import TenantMemory


class TokenRate:
    """At most so many tokens of a tenant in any 60 seconds, of input and output alike, as far as is
    known."""

    def __init__(self, tokens_per_minute: int, expected_work: Callable[[Request], Work]) -> None:
        self._limit = tokens_per_minute
        self._expected_work = expected_work
        self._windows: TenantMemory[TokenWindow] = TenantMemory(TokenWindow, idle_ms=MEMORY_MS)
        # When each open request was counted, and with how much. Bounded by the open requests.
        self._counted: dict[RequestId, tuple[int, int]] = {}

    def refusal(self, request: Request, leaf: Node, now_ms: int) -> Refusal | None:
        work = self._expected_work(request)
        tokens = work.input_tokens + work.output_tokens
        window = self._windows.of(leaf)
        if window is not None:
            window.slide(now_ms)
            wait_ms = window.wait_ms(tokens, self._limit, now_ms)
            if wait_ms:
                message = (
                    f"Tenant {'/'.join(leaf.path)} has used {window.tokens} tokens within a minute, and "
                    f"this request is expected to use {tokens}; its limit is {self._limit} a minute. "
                    "Retry after the time given."
                )
                return Refusal(request, Outcome.RATE_LIMITED, message, wait_ms)
        self._windows.active(leaf, now_ms).count(tokens, now_ms)
        self._counted[request.id] = (now_ms, tokens)
        return None

    def ended(
        self, request: Request, leaf: Node, usage: Usage, outcome: Outcome, now_ms: int
    ) -> None:
        del outcome
        counted = self._counted.pop(request.id, None)
        if counted is None:
            return  # it was let in by another admission, before this one
        counted_ms, tokens = counted
        more = usage.input_tokens + usage.output_tokens - tokens
        window = self._windows.active(leaf, now_ms) if more > 0 else self._windows.of(leaf)
        if window is None:
            return
        window.slide(now_ms)
        if more > 0:
            window.count(more, now_ms)
        else:
            window.give_back(-more, counted_ms)

    def overload(self) -> OverloadStatus | None:
        return None

    def forget(self, leaf: Node) -> None:
        """It goes by itself, a minute after its last token, and no sooner."""


_: type[Admission] = TokenRate

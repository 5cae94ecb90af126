"""A scripted engine with seats: it answers so many requests at once, the others wait in its own queue.

    async with SeatedEngine(seats=4) as engine:
        engine.seats = 2                    # from now on; who sits stays
        engine.tokens_per_s = 100           # of each answer

It tells of itself as vLLM does, on /metrics and by `report()`. `tokens` counts what it has produced in
all, `waiting` is its own queue, first in first out.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any

from evenhand.model import EngineReport
from support.engine_request import EngineRequest
from support.scripted_answer import Answer
from support.scripted_engine import ScriptedEngine, page


class SeatedEngine(ScriptedEngine):
    """See the module's docstring."""

    def __init__(self, *, seats: int, tokens_per_s: float = 200, tokens: int = 8) -> None:
        super().__init__(("m",))
        self.default = Answer(tokens=tokens, gated=True)
        self.seats = seats
        self.tokens_per_s = tokens_per_s
        self.tells = True
        """Whether /metrics is there."""
        self.waiting: deque[EngineRequest] = deque()  # bounded by the window of whoever asks
        self.seated: set[EngineRequest] = set()
        self.tokens = 0

    def report(self) -> EngineReport:
        return EngineReport(running=len(self.seated), waiting=len(self.waiting), preemptions=0)

    def begin(self, request: EngineRequest) -> tuple[Answer, int]:
        if request.path == "/metrics":
            self.pages = {"/metrics": page(self._metrics())} if self.tells else {}
        begun = super().begin(request)
        if request.method == "POST":
            self.waiting.append(request)
            self._seat()
        return begun

    def over(self, request: EngineRequest) -> None:
        super().over(request)
        self.seated.discard(request)
        if request in self.waiting:
            self.waiting.remove(request)
        self._seat()

    def _seat(self) -> None:
        while self.waiting and len(self.seated) < self.seats:
            request = self.waiting.popleft()
            self.seated.add(request)
            self.run(self._compute(request))

    def _compute(self, request: EngineRequest) -> Coroutine[Any, Any, None]:
        async def compute() -> None:
            while request in self.seated:
                await asyncio.sleep(1 / self.tokens_per_s)
                request.step()
                self.tokens += 1

        return compute()

    def _metrics(self) -> str:
        return (
            f'vllm:num_requests_running{{model_name="m"}} {len(self.seated)}\n'
            f'vllm:num_requests_waiting{{model_name="m"}} {len(self.waiting)}\n'
            'vllm:num_preemptions_total{model_name="m"} 0\n'
        )

"""The host loop: whoever can start does so at once, and a start within a start takes its turn."""

import asyncio

from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.gateway.engine_link import EngineLink
from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import Refusal, Scheduler, SchedulerSettings, TenantShare
from evenhand.wire.dialect import EngineKind
from support.on_loop import run_on_loop

MODEL = ModelName("m")


def request(name: str) -> Request:
    return Request(
        id=RequestId(name),
        tenant=("a",),
        model=MODEL,
        body_bytes=10,
        queue_wait_ms_max=10_000,
    )


def dispatcher() -> Dispatcher:
    """With one engine that takes one request at a time."""
    link = EngineLink(
        name=EngineName("e"),
        kind=EngineKind.VLLM,
        models=frozenset([MODEL]),
        window=1,
        client=EngineClient(EngineAddress.parse("http://127.0.0.1:1"), ClientSettings()),
        report_unreachable=lambda: None,
        is_up=True,
    )
    scheduler = Scheduler(SchedulerSettings(tenants=(TenantShare(name="a"),)))
    return Dispatcher(scheduler, [link], asyncio.get_running_loop())


class Chain:
    """Its start fails at once, and the client sends the next request: `left` times."""

    def __init__(self, host: Dispatcher, left: int, *, crashes: bool = False) -> None:
        self.host = host
        self.left = left
        self.crashes = crashes
        self.started: list[int] = []
        self.crashed_with: list[Exception] = []

    def submit(self) -> None:
        self.host.submit(self, request(f"r{self.left}"))

    def start(self, engine: EngineLink, waited_ms: int) -> None:
        assert engine.name == "e"
        assert waited_ms >= 0
        self.started.append(self.left)
        if self.crashes:
            raise RuntimeError("on purpose")
        self._end()

    def refused(self, refusal: Refusal) -> None:
        raise AssertionError(refusal)

    def crashed(self, error: Exception) -> None:
        self.crashed_with.append(error)
        self._end()

    def _end(self) -> None:
        self.host.settle(RequestId(f"r{self.left}"), Usage(1, 0), Outcome.ENGINE_FAILED)
        self.left -= 1
        if self.left:
            self.submit()


def test_starts_do_not_nest_however_many_follow_each_other() -> None:
    async def main() -> None:
        host = dispatcher()
        chain = Chain(host, 5_000)
        chain.submit()
        assert chain.started == list(range(5_000, 0, -1))
        assert host.scheduler.open_requests() == 0
        host.close()

    run_on_loop(main)


def test_a_start_that_crashes_ends_that_call_alone() -> None:
    async def main() -> None:
        host = dispatcher()
        chain = Chain(host, 3, crashes=True)
        chain.submit()
        assert chain.started == [3, 2, 1]
        assert [str(error) for error in chain.crashed_with] == ["on purpose"] * 3
        assert host.scheduler.open_requests() == 0
        host.close()

    run_on_loop(main)

"""The real gateway, in the test's own loop, on loopback, in front of scripted engines.

    async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
        status, headers, body = await g.post({"model": "m", "messages": []})

Nothing of ours is replaced: edge, dispatcher, scheduler, relay and the engines' client are the ones
that `evenhand serve` builds. `g.records` are the ended requests; `g.assert_at_rest()` holds that
nothing is left open, and so does the end of the block: calls must end by themselves, not by its cleaning
up.
"""

import asyncio
import json
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evenhand.engines.circuit import Circuit, CircuitSettings
from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient
from evenhand.engines.tokenizer import Tokenizing, load_tokenizer
from evenhand.gateway.bookkeeping import BookingSettings, Bookkeeper
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.gateway.engine_hints import EngineHints
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.engine_window import EngineWindows
from evenhand.gateway.gateway import Gateway, Observers
from evenhand.gateway.ghosts import Ghosts
from evenhand.gateway.gpu import GpuKeeper
from evenhand.gateway.http import Edge, EdgeSettings
from evenhand.gateway.identity import Identity, KeyRing
from evenhand.gateway.settings import CallLimits
from evenhand.gateway.shadow_host import ShadowHost
from evenhand.gateway.tls import Certificate, TlsFiles
from evenhand.ledger.gpu import GpuPrice
from evenhand.model import (
    ApplicationName,
    EngineName,
    KeyId,
    LaneName,
    ModelName,
    Outcome,
    TrustDomain,
)
from evenhand.scheduling import (
    Lane,
    Policy,
    QueueLimits,
    SchedulerSettings,
    TenantShare,
    compose,
)
from evenhand.scheduling.recorder import Event, Recorder
from evenhand.scheduling.shadow import Shadow
from evenhand.scheduling.window import WindowControl
from evenhand.stores import CommitSettings, EngineStore
from evenhand.telemetry import Metrics, RequestLog
from evenhand.wire.dialect import EngineKind
from support.certificates import trusting
from support.gpu_time import check_gpu_time
from support.ledger import bookkeeper, check_against, check_books
from support.raw_http import RawAnswer, RawStream, exchange, open_stream
from support.scripted_engine import ScriptedEngine

CHAT: Mapping[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "hello there"}],
    "max_tokens": 8,
}
STREAM: Mapping[str, Any] = {**CHAT, "stream": True}
KEY_A = "sk-test-key-of-tenant-a-0123456789"
KEY_B = "sk-test-key-of-tenant-b-0123456789"


def identity(tenant: str, **more: Any) -> Identity:
    values: dict[str, Any] = {
        "key_id": KeyId(f"env:{tenant}"),
        "tenant": (tenant,),
        "application": ApplicationName("test"),
        "trust_domain": TrustDomain("one"),
        "lane": LaneName("default"),
        "queue_wait_ms_max": 10_000,
    }
    return Identity(**(values | more))


@dataclass
class Backend:
    """One engine behind the gateway."""

    engine: ScriptedEngine
    kind: EngineKind = EngineKind.VLLM
    window: int = 4
    models: tuple[str, ...] = ("m",)
    name: str = ""
    control: WindowControl | None = None
    """Who moves the window; None: it stays. What the engine tells is the test's to hand on
    (`g.windows`)."""
    circuit: CircuitSettings = field(default_factory=lambda: CircuitSettings(failures_to_open=11))
    """Unless told otherwise, no number of failures opens it: tests let engines fail at will."""
    abort_grace_ms: int = 50
    keeps_responses: bool = False
    hints: EngineHints | None = None
    """What tells the scheduler inside it whose a request is; None: it has its own."""


@dataclass
class Setup:
    """What differs from test to test."""

    keys: Mapping[str, Identity] = field(
        default_factory=lambda: {KEY_A: identity("a"), KEY_B: identity("b")}
    )
    tenants: tuple[TenantShare, ...] = (TenantShare(name="a"), TenantShare(name="b"))
    policy: Policy = field(default_factory=compose)
    queue: QueueLimits = field(default_factory=QueueLimits)
    limits: CallLimits = field(default_factory=CallLimits)
    edge: EdgeSettings = field(default_factory=EdgeSettings)
    client: ClientSettings = field(default_factory=ClientSettings)
    booking: BookingSettings = field(default_factory=BookingSettings)
    commit_timeout_ms: int = 5_000
    observes: bool = False
    """Serve in order of arrival, and let `policy` run as a shadow (`g.shadow`)."""
    pair: TlsFiles | None = None
    """Where set, the gateway and its clients speak TLS."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of models."""
    lanes: tuple[Lane, ...] = ()
    tokenizer: Path | None = None
    """Where set, prompts of the model `m` are compared by its tokens."""


class RunningGateway:
    """Handles on a gateway that runs."""

    def __init__(
        self, gateway: Gateway, edge: Edge, keeper: Bookkeeper, bound: tuple[str, int]
    ) -> None:
        self.gateway = gateway
        self.keeper = keeper
        self.edge = edge
        self.dispatcher = gateway.dispatcher
        self.scheduler = gateway.dispatcher.scheduler
        self.host, self.port = bound
        self.tls: ssl.SSLContext | None = None
        """With what its clients connect."""
        self.records: list[dict[str, Any]] = []
        """Log lines of ended requests, in order of their ends."""
        self.crashes: list[BaseException] = []
        """Faults of our own; `gateway` fails the test if there are any."""
        self.streams: list[RawStream] = []
        """All that `stream` has opened; they are closed at the end."""
        self.database = Path()
        """Of the ledger; there until the end of the block."""
        self.lines: list[bytes] = []
        """The log, as written."""
        self.calls: list[Event] = []
        """Of the scheduler, as recorded."""
        self.refusals: list[Outcome] = []
        """What the edge itself refused, in order."""
        self.gpu: GpuKeeper
        self.windows = EngineWindows(self.dispatcher, asyncio.get_running_loop())

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    async def post(
        self,
        body: Any,
        *,
        key: str = KEY_A,
        path: str = "/v1/chat/completions",
        headers: Mapping[str, str] | None = None,
    ) -> RawAnswer:
        """One whole exchange on a connection of its own; `body` is JSON-encoded unless bytes."""
        head = _head(path, key, headers)
        return await exchange(self.host, self.port, head, _bytes(body), tls=self.tls)

    async def stream(
        self,
        body: Any,
        *,
        key: str = KEY_A,
        path: str = "/v1/chat/completions",
        headers: Mapping[str, str] | None = None,
    ) -> RawStream:
        """Send a request and return as soon as it is written; the caller reads events or leaves."""
        head = _head(path, key, headers)
        stream = await open_stream(self.host, self.port, head, _bytes(body), tls=self.tls)
        self.streams.append(stream)
        return stream

    async def ended(self, count: int) -> list[dict[str, Any]]:
        """The records, once there are so many."""
        await becomes(lambda: len(self.records) >= count)
        return self.records

    def counted(self) -> dict[Outcome, int]:
        """How the metrics say that requests ended; outcomes that never occurred are left out."""
        metrics = self.gateway.metrics
        counts = dict.fromkeys(Outcome, 0)
        for model in (metrics.for_model("m"), metrics.for_model(None), metrics.for_model("?")):
            for outcome, count in model.requests.items():
                counts[outcome] += count
        return {outcome: count for outcome, count in counts.items() if count}

    def set_up(self, engine: str, *, is_up: bool) -> None:
        """Tell the dispatcher that an engine came or went, as the health watch does."""
        link = self.dispatcher.engines[EngineName(engine)]
        self.dispatcher.engine_changed(link, is_up=is_up, reason="the test says so")

    async def at_rest(self) -> None:
        """Wait until every call has ended by itself; see that nothing of it is left."""
        await becomes(lambda: not self.gateway.calls)
        self.assert_at_rest()
        await asyncio.sleep(0)
        engines = self.dispatcher.engines.values()
        assert all(e.client.open_connections == e.client.idle_connections for e in engines)

    async def written(self) -> None:
        """Wait until the ledger's disk has everything."""
        await becomes(lambda: self.keeper.store.waiting_entries == 0)

    def assert_at_rest(self) -> None:
        """No call, ticket, slot or queue entry is left, and the books agree."""
        assert not self.gateway.calls
        assert self.scheduler.open_requests() == 0
        assert self.scheduler.backlog.requests == 0
        assert self.scheduler.backlog.bytes == 0
        assert all(e.in_flight == 0 for e in self.scheduler.capacity.engines.values())
        assert not self.dispatcher._calls
        settled = sum(record["units"] for record in self.records)
        assert self.scheduler.tree.root.service_units == settled


@asynccontextmanager
async def gateway(*backends: Backend, setup: Setup | None = None) -> AsyncIterator[RunningGateway]:
    """A gateway in front of those engines; fails on any fault of our own, on what is left open, and on a
    ledger that does not agree with the log."""
    with tempfile.TemporaryDirectory(prefix="evenhand-test-") as folder:
        database = Path(folder) / "evenhand.db"
        async with _gateway(backends, setup or Setup(), database) as running:
            yield running
        check_books(database)
        check_against(database, running.records)
        check_gpu_time(database)


@asynccontextmanager
async def _gateway(
    backends: Sequence[Backend], setup: Setup, database: Path
) -> AsyncIterator[RunningGateway]:
    loop = asyncio.get_running_loop()
    commit = CommitSettings(timeout_ms=setup.commit_timeout_ms, reopen_ms=10)
    keeper = bookkeeper(database, loop, setup.booking, commit=commit)
    lines: list[bytes] = []
    log = RequestLog(lines.append)
    links = [_link(index, backend, setup) for index, backend in enumerate(backends)]
    settings = SchedulerSettings(
        tenants=setup.tenants, policy=setup.policy, limits=setup.queue, lanes=setup.lanes
    )
    shadow = None
    if setup.observes:
        shadow = ShadowHost(Shadow(settings, tenants_max=100), log, loop)
        settings = replace(settings, policy=compose("fcfs"), sheds=False, lanes=())
    tokenizing = None
    if setup.tokenizer is not None:
        reader = load_tokenizer(setup.tokenizer, None)
        tokenizing = Tokenizing({ModelName("m"): reader}, loop)
    calls: list[Event] = []
    scheduler = Recorder(settings, calls.append)
    dispatcher = Dispatcher(scheduler, links, loop, observer=shadow)
    application = Gateway(
        keys=KeyRing(setup.keys.items()),
        dispatcher=dispatcher,
        limits=setup.limits,
        observers=Observers(metrics=Metrics(models=["m"], version="test"), log=log, shadow=shadow),
        loop=loop,
        bookkeeping=keeper,
        tokenizing=tokenizing,
        aliases={ModelName(name): ModelName(model) for name, model in setup.aliases.items()},
    )
    gpu = GpuKeeper(loop, settings.cost, EngineStore(database, loop), tenants_max=100)
    for link in links:
        gpu.watch(link, gpus=2, price=GpuPrice(3_600_000_000, "EUR"))
    gpu.start()
    refusals: list[Outcome] = []

    def refused(outcome: Outcome) -> None:
        refusals.append(outcome)
        application.refused_at_edge(outcome)

    certificate = Certificate("data", setup.pair, log) if setup.pair else None
    edge = Edge(setup.edge, application, on_refused=refused, loop=loop, certificate=certificate)
    host, port = await edge.listen("127.0.0.1", 0)
    running = RunningGateway(application, edge, keeper, (host, port))
    running.windows.start()
    running.gpu = gpu
    running.tls = trusting(setup.pair) if setup.pair else None
    running.refusals = refusals
    running.database = database
    running.lines = lines
    running.calls = calls
    ended = application.ended

    def note(record: Any) -> None:
        """Watches, changes nothing: the log's thread may be a moment behind."""
        running.records.append(record.finished())
        ended(record)

    application.ended = note  # type: ignore[method-assign]
    before = loop.get_exception_handler()
    loop.set_exception_handler(
        lambda _, context: running.crashes.append(
            context.get("exception") or RuntimeError(context["message"])
        )
    )
    try:
        yield running
        await running.at_rest()
    finally:
        await edge.drain(0)
        application.stop_calls()
        running.windows.close()
        dispatcher.close()
        if tokenizing is not None:
            tokenizing.close()
        for link in links:
            await link.client.close()
        for stream in running.streams:
            await stream.close()
        log.close()
        keeper.close()
        assert await gpu.close(5_000)
        left = await keeper.store.close(5_000)
        loop.set_exception_handler(before)
    assert not running.crashes, running.crashes
    running.assert_at_rest()
    assert edge.connections == 0
    assert all(link.client.open_connections == 0 for link in links)
    assert left == 0
    assert keeper.books.open_holds == 0


async def becomes(condition: Callable[[], object]) -> None:
    """Return once it is true. For states that announce themselves by no event."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - see the docstring
            await asyncio.sleep(0)


def error_of(answer: RawAnswer) -> dict[str, Any]:
    """The error of an answer, held to what is promised of every error that we write."""
    assert answer.is_whole
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.json.keys() == {"error"}
    error: dict[str, Any] = answer.json["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert len(error["message"]) > 20
    assert error["type"]
    assert error["code"]
    if "retry-after" in answer.headers:
        assert 1 <= int(answer.headers["retry-after"]) <= 120
    return error


def _link(index: int, backend: Backend, setup: Setup) -> EngineLink:
    return EngineLink(
        name=EngineName(backend.name or f"e{index}"),
        kind=backend.kind,
        models=frozenset(ModelName(model) for model in backend.models),
        window=backend.control.window if backend.control else backend.window,
        control=backend.control,
        client=EngineClient(EngineAddress.parse(backend.engine.url), setup.client),
        report_unreachable=lambda: None,
        circuit=Circuit(backend.circuit),
        ghosts=Ghosts(grace_ms=backend.abort_grace_ms),
        hints=backend.hints,
        keeps_responses=backend.keeps_responses,
        is_up=True,
    )


def _head(path: str, key: str, headers: Mapping[str, str] | None) -> str:
    lines = [f"POST {path} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {key}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines)


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()

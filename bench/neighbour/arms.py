"""The arms: what stands between the clients and the engine, and what the clients say of themselves."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.neighbour.engine import MODEL, Engine
from bench.neighbour.gateway import FLOOR, KEPT_FREE, KEYS, Gateway, configuration, gateway
from bench.neighbour.scene import Door, Hint
from bench.neighbour.traffic import CHAT
from evenhand.cli.demo.warm_up import warm_up
from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient
from evenhand.wire.engine_hints import LANE as LANE_HINT
from evenhand.wire.engine_hints import TENANT

_FIRST_BYTE_MS = 60_000
DIRECT = "direct"
FREE_SLOT = "a slot kept free"
PRIORITY = "vLLM's priority"
VTC = "gateway, vtc"
LANE = "gateway, vtc, lane"
LANE_FREE = "gateway, vtc, lane's slot free"
PLUG_IN = "plug-in"
BOTH = "gateway and plug-in"


def nothing(_tenant: str) -> Mapping[str, object]:
    return {}


def priority(tenant: str) -> Mapping[str, object]:
    """vLLM serves small numbers first."""
    return {"priority": 0 if tenant == CHAT else 1}


def hints(tenant: str) -> Mapping[str, object]:
    """What the plug-in is told when no gateway tells it."""
    return {"vllm_xargs": {TENANT: tenant}}


def lane_hints(tenant: str) -> Mapping[str, object]:
    """The same; the chat is in a lane of its own."""
    return {"vllm_xargs": {TENANT: tenant, LANE_HINT: CHAT if tenant == CHAT else "default"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """`engine` is a name of `ENGINES`."""

    name: str
    engine: str
    is_behind_gateway: bool = False
    chat_lane: Mapping[str, object] | None = None
    """What the gateway is told of the chat's lane; None: no lanes."""
    keeps_slot_free: bool = False
    """The crowd has a client less than the engine has slots."""
    hint: Hint = nothing
    engine_settings: Mapping[str, object] = field(default_factory=dict)


EMBEDDED = (
    Arm(name=DIRECT, engine="embedded"),
    Arm(name=FREE_SLOT, engine="embedded", keeps_slot_free=True),
    Arm(name=VTC, engine="embedded", is_behind_gateway=True),
    Arm(name=LANE, engine="embedded", is_behind_gateway=True, chat_lane=FLOOR),
    Arm(name=LANE_FREE, engine="embedded", is_behind_gateway=True, chat_lane=KEPT_FREE),
)
VLLM = (
    Arm(name=DIRECT, engine="stock"),
    Arm(name=FREE_SLOT, engine="stock", keeps_slot_free=True),
    Arm(name=PRIORITY, engine="priority", hint=priority),
    Arm(name=VTC, engine="stock", is_behind_gateway=True),
    Arm(name=LANE, engine="stock", is_behind_gateway=True, chat_lane=FLOOR),
    Arm(name=LANE_FREE, engine="stock", is_behind_gateway=True, chat_lane=KEPT_FREE),
    Arm(name=PLUG_IN, engine="plug-in", hint=hints),
    Arm(
        name=BOTH,
        engine="plug-in",
        is_behind_gateway=True,
        engine_settings={"fair_scheduler": True},
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An arm that can be asked; `gateway` is None where there is none."""

    door: Door
    gateway: Gateway | None


@asynccontextmanager
async def opened(arm: Arm, engine: Engine) -> AsyncIterator[Opened]:
    """The arm for the length of the block, once it has answered."""
    pids = {"engine": engine.pid}
    if not arm.is_behind_gateway:
        door = Door(url=engine.url, hint=arm.hint, pids=pids)
        await _answers(door)
        yield Opened(door=door, gateway=None)
        return
    settings = configuration(engine, chat_lane=arm.chat_lane, more=arm.engine_settings)
    async with gateway(settings) as serving:
        door = Door(url=serving.url, keys=KEYS, pids={**pids, "gateway": serving.pid})
        await _answers(door)
        yield Opened(door=door, gateway=serving)


async def _answers(door: Door) -> None:
    key = door.keys.get(CHAT)
    client = EngineClient(
        EngineAddress.parse(door.url),
        ClientSettings(first_byte_timeout_ms=_FIRST_BYTE_MS),
        headers=[("authorization", f"Bearer {key}")] if key else [],
    )
    try:
        await warm_up([client], model=MODEL)
    finally:
        await client.close()

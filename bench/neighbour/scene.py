"""All clients of one scene, on this process's loop, for so many seconds."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import orjson

from bench.load import BenchError
from bench.neighbour.engine import MODEL
from bench.neighbour.traffic import Ask, Crowd
from bench.pinned import cpu_us, family
from evenhand.cli.demo.exchange import exchange
from evenhand.cli.demo.record import End, Record
from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient

_FIRST_BYTE_MS = 900_000
_TROUBLES_SHOWN = 3
Hint = Callable[[str], Mapping[str, object]]
"""What a client of a tenant says of itself in the body, where it asks an engine directly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Whom the clients ask. `pids` are the processes whose CPU is told, by name."""

    url: str
    keys: Mapping[str, str] = field(default_factory=dict)
    hint: Hint = lambda _tenant: {}
    pids: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the clients saw, and the part of a core that each process took."""

    records: Sequence[Record]
    seconds: float
    cpu: Mapping[str, float]


def body(ask: Ask, hint: Mapping[str, object]) -> bytes:
    """Streamed, and as long as it is asked to be."""
    return orjson.dumps(
        {
            "model": MODEL,
            "messages": [{"role": "user", "content": ask.text}],
            "max_tokens": ask.output_tokens,
            "temperature": 0,
            "ignore_eos": True,
            "stream": True,
            "stream_options": {"include_usage": True},
            **hint,
        }
    )


async def play(
    door: Door,
    crowds: Sequence[Crowd],
    *,
    seconds: float,
    seed: int,
    late: Sequence[Crowd] = (),
    late_s: float = 0.0,
) -> Played:
    """Let the crowds ask for `seconds`, the `late` ones from `late_s` on; then close what is open."""
    stage = _Stage(door, seed)
    before, began_s = _cpu(door), time.monotonic()
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for crowd in crowds:
                    stage.enter(crowd, group, 0.0)
                for crowd in late:
                    stage.enter(crowd, group, late_s)
                group.create_task(asyncio.Event().wait())
    finally:
        lasted_s = time.monotonic() - began_s
        after = _cpu(door)
        await stage.close()
    _check(stage.records)
    cpu = {name: (after[name] - used) / lasted_s / 1e6 for name, used in before.items()}
    return Played(records=stage.records, seconds=seconds, cpu=cpu)


class _Stage:
    def __init__(self, door: Door, seed: int) -> None:
        self.records: list[Record] = []
        self._door = door
        self._seed = seed
        self._clients: dict[str, EngineClient] = {}
        self._began_s = time.monotonic()

    def now_s(self) -> float:
        """Not the loop's clock: that of uvloop is in whole milliseconds."""
        return time.monotonic() - self._began_s

    def enter(self, crowd: Crowd, group: asyncio.TaskGroup, after_s: float) -> None:
        client = self._clients.get(crowd.tenant) or self._connected(crowd.tenant)
        for number in range(crowd.clients):
            group.create_task(self._keep_asking(crowd, number, client, after_s))

    def _connected(self, tenant: str) -> EngineClient:
        key = self._door.keys.get(tenant)
        self._clients[tenant] = EngineClient(
            EngineAddress.parse(self._door.url),
            ClientSettings(first_byte_timeout_ms=_FIRST_BYTE_MS, silence_timeout_ms=_FIRST_BYTE_MS),
            headers=[("authorization", f"Bearer {key}")] if key else [],
        )
        return self._clients[tenant]

    async def _keep_asking(
        self, crowd: Crowd, number: int, client: EngineClient, after_s: float
    ) -> None:
        hint = self._door.hint(crowd.tenant)
        await asyncio.sleep(after_s)
        for ask in crowd.asks(number, self._seed):
            await asyncio.sleep(ask.think_s)
            asked = body(ask, hint)
            record = Record(
                tenant=crowd.tenant,
                prompt_characters=len(ask.text),
                output_tokens_max=ask.output_tokens,
                sent_at=self.now_s(),
            )
            self.records.append(record)
            await exchange(client, asked, record, clock=self.now_s)
            if record.end is not End.DONE:
                await asyncio.sleep(0.25)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()


def _cpu(door: Door) -> dict[str, float]:
    used = {name: cpu_us(family(pid)) for name, pid in door.pids.items()}
    return {**used, "clients": time.process_time() * 1e6}


def _check(records: Sequence[Record]) -> None:
    troubles = [record.trouble for record in records if record.end in (End.FAILED, End.REFUSED)]
    if troubles:
        raise BenchError(
            f"{len(troubles)} of {len(records)} requests failed: {troubles[:_TROUBLES_SHOWN]}"
        )

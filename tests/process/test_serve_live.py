"""The live feed of `evenhand serve`: who gets what of it, where it goes on, and where it ends."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from evenhand.gateway.dashboard.live import STREAMS_OF_ONE_MAX
from support.gateway import CHAT
from support.on_loop import run_on_loop
from support.raw_http import RawStream, open_stream
from support.scripted_engine import ScriptedEngine
from support.serve import ADMIN_KEY, KEY_A, KEY_B, Served, configuration, serving, url_engine


async def feed(served: Served, key: str = ADMIN_KEY, **headers: str) -> RawStream:
    lines = ["GET /api/v1/live HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    stream = await open_stream(served.admin_host, served.admin_port, "\r\n".join(lines), b"")
    await stream.head()
    return stream


async def event(stream: RawStream) -> tuple[str, Any]:
    """Name and data of the next one; what is no event is passed over."""
    while (text := await stream.event()) is not None:
        lines = dict(line.split(": ", 1) for line in text.decode().split("\n"))
        if "event" in lines:
            return lines["event"], json.loads(lines["data"])
    return "", None


def served_by(test: Callable[[Served], Awaitable[None]], folder: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            serving(configuration(url_engine(engine.url)), folder=folder) as served,
        ):
            await served.logged("engine", up=True)
            await test(served)

    run_on_loop(main)


def test_the_past_comes_first_and_then_each_second_once(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        stream = await feed(served)
        assert stream.headers["content-type"].startswith("text/event-stream")
        name, past = await event(stream)
        assert name == "past"
        assert set(past) >= {"at_ms", "units", "jain_1s_ppm", "waiting", "lanes", "tenants"}
        found = [await event(stream) for _ in range(3)]
        assert [name for name, _ in found] == ["sample"] * 3
        first = found[0][1]["seq"]
        assert [sample["seq"] for _, sample in found] == [first, first + 1, first + 2]
        assert [row["path"] for row in found[0][1]["tenants"]] == ["a", "b"]
        stream.leave()

    served_by(test, tmp_path)


def test_a_browser_goes_on_where_it_stopped(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        stream = await feed(served)
        await event(stream)
        _, seen = await event(stream)
        await event(stream)
        stream.leave()
        again = await feed(served, last_event_id=str(seen["seq"]))
        name, sample = await event(again)
        assert (name, sample["seq"]) == ("sample", seen["seq"] + 1)
        again.leave()
        # A number that this gateway has never given: told the past anew.
        for strange in ("999999", "-1", "x", "1" * 40):
            other = await feed(served, last_event_id=strange)
            assert (await event(other))[0] == "past"
            other.leave()

    served_by(test, tmp_path)


def test_a_tenants_key_gets_its_own_and_nothing_of_others(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        for key in (KEY_A, KEY_B):
            assert (await served.post(CHAT, key=key)).status == 200
        stream = await feed(served, KEY_A)
        _, past = await event(stream)
        _, sample = await event(stream)
        assert set(past) == {"at_ms", "tenants"}
        assert set(past["tenants"]) <= {"a"}
        assert set(sample) == {"seq", "at_ms", "interval_ms", "tenants"}
        assert [row["path"] for row in sample["tenants"]] == ["a"]
        stream.leave()

    served_by(test, tmp_path)


def test_streams_are_counted_and_let_go(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        streams = [await feed(served) for _ in range(STREAMS_OF_ONE_MAX)]
        assert [stream.status for stream in streams] == [200] * STREAMS_OF_ONE_MAX
        full = await feed(served)
        assert full.status == 503
        assert b"Close a page" in (await full.answer()).body
        await full.close()
        # Another caller is not shut out.
        other = await feed(served, KEY_A)
        assert other.status == 200
        for stream in streams:
            stream.leave()
        while (again := await feed(served)).status != 200:
            await again.close()
        again.leave()
        other.leave()

    served_by(test, tmp_path)


def test_it_ends_when_the_gateway_drains(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        stream = await feed(served)
        assert (await event(stream))[0] == "past"
        assert await served.stop() == 0
        names = []
        while (name := (await event(stream))[0]) != "":
            names.append(name)
        assert names[-1] == "end"
        assert stream.is_whole
        await stream.close()

    served_by(test, tmp_path)

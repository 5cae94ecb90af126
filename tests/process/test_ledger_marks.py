"""What a killed gateway leaves: holds and the last marks of open streams, and what becomes of them."""

import shutil
import socket
from pathlib import Path

from evenhand.engines.http import EngineAddress
from evenhand.gateway.booking import MARK_TOKENS
from evenhand.ledger import Books, resolve_left_open
from evenhand.model import EngineName, Outcome
from evenhand.stores import LedgerFile
from support.gateway import CHAT, STREAM, Backend, RunningGateway, becomes, gateway
from support.ledger import check_books, resolutions, rows, used
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine


def as_after_a_kill(g: RunningGateway, folder: Path) -> Path:
    """The files as they lie on disk at this moment: what a process finds that starts after SIGKILL."""
    folder.mkdir()
    for file in g.database.parent.glob("evenhand.db*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, folder / file.name)
    return folder / g.database.name


def started_anew(database: Path) -> list[dict[str, object]]:
    """What the next gateway makes of it; the transfers that it adds."""
    before = {row["id"] for row in rows(database)}
    file = LedgerFile(database)
    books = Books(file.load())
    resolve_left_open(books, at_ms=1)
    if books.has_news:
        file.commit(books.take_batch())
    file.close()
    check_books(database)
    return [row for row in rows(database) if row["id"] not in before]


def test_a_stream_is_marked_every_so_many_tokens(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(tokens=200, gated=True, prompt_tokens=7)
            stream = await g.stream({**STREAM, "max_tokens": 200})
            request = await engine.received(1)
            request.step(MARK_TOKENS)
            for _ in range(MARK_TOKENS + 1):  # the first event is the role
                await stream.event()
            await g.written()
            [transfer] = started_anew(as_after_a_kill(g, tmp_path / "killed"))
            assert (transfer["kind"], transfer["outcome"]) == ("settle", Outcome.GATEWAY_DIED)
            assert (transfer["input_tokens"], transfer["output_tokens"]) == (7, MARK_TOKENS)
            request.release()
            await stream.events()
            await becomes(lambda: not g.gateway.calls)
            await g.written()
            assert rows(g.database, "SELECT * FROM mark") == [], "its end knows better"

    run_on_loop(main)


def test_a_slow_stream_is_marked_after_a_while(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(tokens=200, gated=True, prompt_tokens=7)
            stream = await g.stream({**STREAM, "max_tokens": 200})
            request = await engine.received(1)
            request.step(3)
            await becomes(lambda: bool(rows(g.database, "SELECT * FROM mark")))
            assert rows(g.database, "SELECT output_tokens FROM mark") == [{"output_tokens": 3}]
            request.step(2)
            await becomes(
                lambda: rows(g.database, "SELECT output_tokens FROM mark") == [{"output_tokens": 5}]
            )
            [transfer] = started_anew(as_after_a_kill(g, tmp_path / "killed"))
            assert transfer["output_tokens"] == 5
            stream.leave()
            [record] = await g.ended(1)
            assert record["output_tokens"] == 5

    run_on_loop(main)


def test_what_has_no_mark_is_charged_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine, window=1)) as g:
            engine.default = Answer(tokens=200, gated=True, prompt_tokens=7)
            running = await g.stream(CHAT)
            await engine.received(1)
            waiting = await g.stream(CHAT)
            await becomes(lambda: g.keeper.books.open_holds == 2)
            await g.written()
            added = started_anew(as_after_a_kill(g, tmp_path / "killed"))
            assert [row["kind"] for row in added] == ["expire", "expire"]
            running.leave()
            waiting.leave()

    run_on_loop(main)


def test_a_request_that_never_reached_its_engine_is_charged_nothing() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            # A listener whose queue is full: whoever connects waits.
            with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
                port = full.getsockname()[1]
                link = g.dispatcher.engines[EngineName("e0")]
                link.client.address = EngineAddress.parse(f"http://127.0.0.1:{port}")
                blocking = [socket.socket() for _ in range(3)]
                for one in blocking:
                    one.setblocking(False)
                    one.connect_ex(("127.0.0.1", port))
                stream = await g.stream(CHAT)
                await becomes(lambda: g.scheduler.capacity.engines[EngineName("e0")].in_flight)
                stream.leave()
                [record] = await g.ended(1)
                assert (record["outcome"], record["dispatches"]) == (Outcome.CANCELLED_RUNNING, 0)
                assert (record["units"], record["input_tokens"]) == (0, 0)
                await g.written()
                assert [row["kind"] for row in rows(g.database)] == ["hold", "void"]
                for one in blocking:
                    one.close()

    run_on_loop(main)


def test_streamed_and_unstreamed_book_the_same() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            shapes = [
                (Answer(tokens=5, prompt_tokens=40, cached_tokens=16), {"max_tokens": 8}),
                (Answer(tokens=5, prompt_tokens=4_000), {"max_tokens": 8}),
                (Answer(tokens=3), {"max_tokens": 8, "n": 4}),
                (Answer(tokens=400), {}),
                (Answer(tokens=5, status=400), {"max_tokens": 8}),
                (Answer(tokens=0), {"max_tokens": 8}),
            ]
            for answer, more in shapes:
                for is_stream in (False, True):
                    engine.script(answer)
                    body = {"model": "m", "messages": CHAT["messages"], **more}
                    await g.post({**body, "stream": is_stream})
            await g.written()
            booked = list(resolutions(g.database).values())
            assert len(booked) == 2 * len(shapes)
            for whole, streamed in zip(booked[::2], booked[1::2], strict=True):
                assert [_same(row) for row in whole] == [_same(row) for row in streamed]
            assert used(booked[2])[0] == 4_000

    run_on_loop(main)


def _same(row: dict[str, object]) -> dict[str, object]:
    """Without what every request has of its own. The input's hold learns from request to request."""
    own = {"id", "at_ms", "request", "units", "batch"}
    if row["kind"] == "hold":
        own.add("input_tokens")
    return {name: value for name, value in row.items() if name not in own}

"""The drill: back up a gateway under load, kill it, restore, go on. Real processes, a real socket."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from support.ledger import check_books, resolutions, rows
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import Served, configuration, end, serving, spawn, url_engine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 64}
KEPT = {
    "state": {"folder": "state"},
    "prices": {"currency": "EUR", "models": [{"model": "m", "input": 0.15, "output": 0.6}]},
}


async def evenhand(folder: Path, *words: str | Path) -> tuple[int, str, str]:
    """Run a command beside the gateway, as an operator does; its exit code and what it wrote."""
    arguments = (*map(str, words), "--config", str(folder / "evenhand.yaml"))
    process = await spawn(*arguments)
    try:
        out, err = await process.communicate()
    finally:
        await end(process)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


class Load:
    """Clients that ask again and again until told to stop or the gateway goes away."""

    def __init__(self, served: Served, clients: int) -> None:
        self.answered = 0
        self._served = served
        self._stop = False
        self._came = asyncio.Event()
        self._clients = [asyncio.create_task(self._ask()) for _ in range(clients)]

    async def reaches(self, answered: int) -> None:
        while self.answered < answered:
            self._came.clear()
            await self._came.wait()

    async def end(self) -> None:
        self._stop = True
        await asyncio.gather(*self._clients)

    async def _ask(self) -> None:
        while not self._stop:
            try:
                answer = await self._served.post(CHAT)
            except (OSError, EOFError, AssertionError, asyncio.IncompleteReadError):
                return  # killed under us
            self.answered += answer.status == 200
            self._came.set()


async def audited(folder: Path) -> dict[str, Any]:
    code, out, err = await evenhand(folder, "ledger", "audit", "--json")
    assert code == 0, out + err
    document: dict[str, Any] = json.loads(out)
    return document


async def total(folder: Path) -> dict[str, Any]:
    code, out, err = await evenhand(folder, "usage", "--format", "json")
    assert code == 0, out + err
    figures: dict[str, Any] = json.loads(out)["total"]
    return figures


def test_backup_under_load_kill_restore_and_go_on(tmp_path: Path) -> None:
    database, backup = tmp_path / "state" / "evenhand.db", tmp_path / "backup.db"

    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=7, token_delay_s=0.001)
            config = configuration(url_engine(engine.url), **KEPT)
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                load = Load(served, clients=6)
                await load.reaches(30)
                code, out, err = await evenhand(tmp_path, "ledger", "backup", backup)
                assert code == 0, err
                assert "It passed the audit" in out
                assert (await audited(tmp_path))["gateway_runs"]
                refused = await evenhand(tmp_path, "ledger", "restore", backup, "--force")
                assert refused[0] == 1
                assert "in use by another gateway: stop that one first" in refused[2]
                await load.reaches(load.answered + 20)
                served.signal(signal.SIGKILL)
                await load.end()
                assert await served.ended() == -signal.SIGKILL

            backed_up = rows(backup)
            left_open = [r for r in resolutions(backup).values() if len(r) == 1]
            check_books(backup, open_holds=len(left_open))
            assert len(rows(database)) > len(backed_up) > 60

            code, out, err = await evenhand(tmp_path, "ledger", "restore", backup, "--force")
            assert code == 0, err
            assert rows(database) == backed_up
            (kept,) = (tmp_path / "state").glob("evenhand.db.replaced-*")
            assert len(rows(kept)) > len(backed_up), "what came after the backup is there"

            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                check_books(database)
                ids = {row["id"] for row in backed_up}
                assert [row for row in rows(database) if row["id"] in ids] == backed_up
                before = await total(tmp_path)
                assert before["requests"] == len(resolutions(backup))
                for _ in range(5):
                    assert (await served.post(CHAT)).status == 200
                assert await served.stop() == 0
            after = await total(tmp_path)
            assert after["requests"] == before["requests"] + 5
            assert after["output_tokens"] == before["output_tokens"] + 35
            check_books(database)
            assert not (await audited(tmp_path))["open_holds"]

    run_on_loop(main, limit_s=50)


def test_usage_and_audit_beside_a_request_that_runs(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=4, gated=True)
            config = configuration(url_engine(engine.url), **KEPT)
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                stream = await served.stream(CHAT)
                request = await engine.received(1)
                request.step()
                assert await stream.event()
                database = tmp_path / "state" / "evenhand.db"
                while not rows(database, "SELECT * FROM mark"):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.01)
                figures = await total(tmp_path)
                assert (figures["requests"], figures["open_requests"]) == (0, 1)
                assert figures["held_tokens"] > 64
                assert float(figures["held_money"]["EUR"]) > 0
                (hold,) = (await audited(tmp_path))["open_holds"]
                assert hold["is_marked"]
                assert hold["tenant"] == "a"
                request.release()
                await stream.events()
                await stream.close()
                assert await served.stop() == 0
            figures = await total(tmp_path)
            assert (figures["requests"], figures["open_requests"]) == (1, 0)
            assert figures["outcomes"]["completed"] == 1
            assert figures["money"]["EUR"] != "0"

    run_on_loop(main)

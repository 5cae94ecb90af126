"""Usage, statements and corrections of a gateway that runs, by its admin listener and by command."""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from support.on_loop import run_on_loop
from support.raw_http import RawAnswer, exchange
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import ADMIN_KEY, KEY_A, KEY_B, Served, configuration, serving, url_engine

PRICES = {"currency": "EUR", "models": [{"model": "m", "input": 1, "output": 2}]}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "one two three"}], "max_tokens": 9}


def priced(engine: ScriptedEngine) -> dict[str, Any]:
    return configuration(url_engine(engine.url), state={"folder": "state"}, prices=PRICES)


async def post(served: Served, path: str, body: Any, *, key: str = ADMIN_KEY) -> RawAnswer:
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: gateway",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        "Connection: close",
    )
    sent = orjson.dumps(body)
    return await exchange(served.admin_host, served.admin_port, "\r\n".join(lines), sent)


async def command(folder: Path, *words: str) -> tuple[int, bytes, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "evenhand", *words, "--config", str(folder / "evenhand.yaml")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output, errors.decode()


def test_finance_asks_a_running_gateway(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=4)
            async with serving(priced(engine), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                ids = [(await served.post(CHAT)).headers["x-request-id"] for _ in range(3)]
                assert (await served.post(CHAT, key=KEY_B)).status == 200
                await _usage(served)
                statement = await _statements(served)
                await _corrections(served, tmp_path, ids, statement)
                await _reach(served)
                assert await served.stop() == 0

    run_on_loop(main, limit_s=55)


async def _usage(served: Served) -> None:
    answer = await served.admin("/api/v1/usage?by=tenant")
    assert answer.status == 200, answer.body
    first, second = answer.json["lines"]
    assert (first["tenant"], first["requests"], second["requests"]) == ("a", 3, 1)
    assert first["money"] == {"EUR": "0.000033"}, "3 of 3 tokens at 1 and 4 tokens at 2 a million"
    csv = await served.admin("/api/v1/usage?format=csv")
    assert csv.headers["content-disposition"] == 'attachment; filename="usage.csv"'
    assert csv.body.startswith(b"tenant,model,requests")
    parquet = await served.admin("/api/v1/usage?format=parquet")
    assert parquet.body[:4] == b"PAR1"
    for query in ("by=colour", "from=tomorrow", "colour=1", "format=xls"):
        assert (await served.admin(f"/api/v1/usage?{query}")).status == 400


async def _statements(served: Served) -> dict[str, Any]:
    path = "/api/v1/statements/a?period=2020-01-01..2100-01-01"
    first = await served.admin(path)
    assert first.status == 200, first.body
    cut = first.json["cut"]
    assert first.json["total"]["money"] == {"EUR": "0.000033"}
    assert (await served.post(CHAT)).status == 200
    assert (await served.admin(path)).json["total"]["money"] == {"EUR": "0.000044"}
    again = await served.admin(f"{path}&cut={cut}")
    assert again.body == first.body, "the same cut, to the byte, though the gateway goes on"
    for form in ("text", "csv", "parquet"):
        file = await served.admin(f"{path}&cut={cut}&format={form}")
        assert file.status == 200
        assert 'filename="draft-a-2020-01-01-2100-01-01.' in file.headers["content-disposition"]
        assert file.body == (await served.admin(f"{path}&cut={cut}&format={form}")).body
    for wrong in ("/api/v1/statements/a", f"{path}&cut=99999", f"{path}&cut=x"):
        assert (await served.admin(wrong)).status == 400
    assert (await served.admin("/api/v1/statements/nobody?period=2026-11")).status == 400
    unfinished = await post(served, path, {})
    assert unfinished.status == 400
    assert "goes on until before 2100-01-01" in unfinished.json["error"]["message"]
    document: dict[str, Any] = first.json
    return document


async def _corrections(
    served: Served, folder: Path, ids: list[str], statement: dict[str, Any]
) -> None:
    body = {"request": ids[0], "reason": "the answer was cut", "reference": "TICKET-1"}
    booked = await post(served, "/api/v1/corrections", body)
    assert booked.status == 200, booked.body
    assert booked.json["money"] == "-0.000011"
    assert booked.json["is_new"]
    again = await post(served, "/api/v1/corrections", body)
    assert not again.json["is_new"], "nothing twice"
    more = await post(served, "/api/v1/corrections", body | {"reference": "TICKET-2"})
    assert more.status == 400
    assert "nothing left to give back" in more.json["error"]["message"]
    by_hand = ("--money", "0.5", "--tenant", "b", "--model", "m", "--author", "finance")
    code, output, errors = await command(folder, "ledger", "correct", *by_hand, "--reason", "a fee")
    assert code == 0, errors
    assert b"0.5 EUR" in output
    code, _, errors = await command(folder, "ledger", "audit")
    assert code == 0, errors
    path = "/api/v1/statements/a?period=2020-01-01..2100-01-01"
    now = (await served.admin(path)).json
    assert now["total"]["money"] == {"EUR": "0.000033"}, "four requests, one of them given back"
    (correction,) = now["corrections"]
    assert (correction["reference"], correction["author"]) == ("TICKET-1", "admin")
    then = (await served.admin(f"{path}&cut={statement['cut']}")).json
    assert then == statement, "nothing that was booked has changed"
    rows = (await served.admin("/api/v1/audit")).json["rows"]
    places = [row["place"] for row in rows if row["what"] == "correct"]
    assert "corrections[TICKET-1]" in places


async def _reach(served: Served) -> None:
    own = await served.admin("/api/v1/usage?by=tenant", key=KEY_A)
    assert [line["tenant"] for line in own.json["lines"]] == ["a"]
    path = "period=2020-01-01..2100-01-01"
    assert (await served.admin(f"/api/v1/statements/a?{path}", key=KEY_A)).status == 200
    assert (await served.admin(f"/api/v1/statements/b?{path}", key=KEY_A)).status == 403
    assert (await served.admin("/api/v1/usage?tenant=b", key=KEY_A)).status == 403
    assert (await served.admin("/api/v1/statements?tenant=b", key=KEY_A)).status == 403
    refused = await post(served, "/api/v1/corrections", {"reason": "mine"}, key=KEY_A)
    assert refused.status == 403
    assert (await post(served, f"/api/v1/statements/a?{path}", {}, key=KEY_A)).status == 403


def test_without_a_ledger_the_pages_say_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            config = configuration(url_engine(engine.url))
            async with serving(config, folder=tmp_path) as served:
                for path in ("usage", "statements", "statements/a?period=2026-11"):
                    answer = await served.admin(f"/api/v1/{path}")
                    assert answer.status == 404
                    assert "keeps no ledger" in answer.json["error"]["message"]

    run_on_loop(main, limit_s=55)


def test_a_correction_while_no_gateway_runs(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=4)
            async with serving(priced(engine), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                request_id = (await served.post(CHAT)).headers["x-request-id"]
                assert await served.stop() == 0
            words = ("ledger", "correct", request_id, "--reason", "a gift", "--reference", "R-1")
            code, output, errors = await command(tmp_path, *words)
            assert code == 0, errors
            assert output.startswith(b"Booked: R-1, -0.000011 EUR, -3 input and -4 output tokens")
            code, output, _ = await command(tmp_path, *words)
            assert (code, output[:17]) == (0, b"Was booked before")
            code, output, errors = await command(tmp_path, "ledger", "audit")
            assert code == 0, output
            async with serving(priced(engine), folder=tmp_path) as served:
                page = "/api/v1/statements/a?period=2020-01-01..2100-01-01"
                document = (await served.admin(page)).json
                assert document["total"]["money"] == {"EUR": "0"}
                assert document["total"]["requests"] == 1
                with suppress(KeyError):
                    assert json.dumps(document).count("sk-serve") == 0

    run_on_loop(main, limit_s=55)

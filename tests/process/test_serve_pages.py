"""The pages of `evenhand serve` without a browser: what they are sent with, and what waits."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from evenhand.gateway.dashboard.site_files import site_files
from support.gateway import CHAT
from support.on_loop import run_on_loop
from support.raw_http import RawAnswer, exchange, open_stream
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import ADMIN_KEY, KEY_A, KEY_B, Served, configuration, serving, url_engine

PAGES = ("/", "/tenants", "/requests", "/engines", "/money", "/alarms", "/me")


def served_by(test: Callable[[Served, ScriptedEngine], Awaitable[None]], folder: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            config = configuration(url_engine(engine.url, window=1))
            async with serving(config, folder=folder) as served:
                await served.logged("engine", up=True)
                await test(served, engine)

    run_on_loop(main)


async def asked(served: Served, path: str, *more: str, key: str | None = ADMIN_KEY) -> RawAnswer:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *more]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    return await exchange(served.admin_host, served.admin_port, "\r\n".join(lines), b"")


async def unchanged(served: Served, path: str, tag: str) -> bool:
    """Whether a browser that has that version need not be sent it again."""
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: {tag}"
    stream = await open_stream(served.admin_host, served.admin_port, head, b"")
    try:
        return await stream.head() == 304
    finally:
        await stream.close()


def test_a_browser_is_told_to_run_nothing_but_our_files(tmp_path: Path) -> None:
    async def test(served: Served, _: ScriptedEngine) -> None:
        names = {f"/assets/{file.name}" for file in site_files()} | {"/assets/plotly.min.js"}
        for path in PAGES:
            answer = await asked(served, path)
            assert answer.status == 200, path
            policy = answer.headers["content-security-policy"]
            assert "script-src 'self';" in policy
            assert "default-src 'none'" in policy
            assert answer.headers["cache-control"] == "no-store"
            text = answer.body.decode()
            assert not re.search(r"{[a-z]+}", text), "something was left to fill in"
            assert not re.search(r"<script(?![^>]*\bsrc=)|\son[a-z]+=|style=|https?://", text)
            for source in re.findall(r'(?:src|href|data-plotly)="(/assets/[^"?]+)', text):
                assert source in names

    served_by(test, tmp_path)


def test_files_are_for_anyone_and_sent_once(tmp_path: Path) -> None:
    async def test(served: Served, _: ScriptedEngine) -> None:
        for file in site_files():
            answer = await asked(served, f"/assets/{file.name}", key=None)
            assert answer.status == 200, file.name
            assert answer.body == file.content
            assert await unchanged(served, f"/assets/{file.name}", file.tag)
        assert (await asked(served, "/assets/plotly.min.js", key=None)).status == 401
        script = await asked(served, "/assets/plotly.min.js")
        assert script.status == 200
        assert len(script.body) > 1_000_000
        assert "immutable" in script.headers["cache-control"]

    served_by(test, tmp_path)


def test_scripts_import_only_what_is_there() -> None:
    files = {file.name: file.content.decode() for file in site_files()}
    for name, text in files.items():
        for module in re.findall(r'from "\./([^"]+)"', text):
            assert f"code/{module}" in files, f"{name} wants {module}"


def test_a_tenant_is_led_to_its_own_page(tmp_path: Path) -> None:
    async def test(served: Served, _: ScriptedEngine) -> None:
        answer = await asked(served, "/", key=KEY_A)
        assert (answer.status, answer.headers["location"]) == (303, "/me")
        mine = (await asked(served, "/me", key=KEY_A)).body.decode()
        assert 'data-role="tenant"' in mine
        assert 'data-tenant="a"' in mine
        for path in PAGES[1:-1]:
            assert (await asked(served, path, key=KEY_A)).status == 403

    served_by(test, tmp_path)


def test_what_waits_is_told_with_the_reason(tmp_path: Path) -> None:
    async def test(served: Served, engine: ScriptedEngine) -> None:
        engine.default = Answer(tokens=2, gated=True)
        sent = [asyncio.create_task(served.post(CHAT, key=KEY_A)) for _ in range(3)]
        first = await engine.received(1)
        waiting = await _waiting(served, 2)
        sent.append(asyncio.create_task(served.post(CHAT, key=KEY_B)))
        waiting = await _waiting(served, 3)
        told = waiting["requests"]
        assert [row["tenant"] for row in told] == ["a", "a", "b"]
        assert [row["queued_before"] for row in told] == [0, 1, 0]
        assert told[0]["gate"] == "window"
        assert told[0]["sentence"].startswith("It waits because no engine")
        of_b = (await served.admin("/api/v1/requests?tenant=b")).json
        assert (of_b["waiting"], [row["tenant"] for row in of_b["requests"]]) == (1, ["b"])
        cut = (await served.admin("/api/v1/requests?limit=1")).json
        assert (cut["waiting"], cut["left_out"], len(cut["requests"])) == (3, 2, 1)
        for number in range(1, 5):
            one = first if number == 1 else await engine.received(number)
            if number == 2:
                (row, *_) = [
                    row for row in (await _waiting(served, 2))["requests"] if row["instead"]
                ]
                assert row["instead"][0]["requests"] == 1
            one.step()
            one.step()
        assert {(await each).status for each in sent} == {200}
        assert (await _waiting(served, 0))["requests"] == []

    served_by(test, tmp_path)


def test_a_strange_question_is_refused(tmp_path: Path) -> None:
    async def test(served: Served, _: ScriptedEngine) -> None:
        for query in ("limit=0", "limit=201", "limit=x", "other=1", f"tenant={'x' * 600}"):
            answer = await asked(served, f"/api/v1/requests?{query}")
            assert answer.status == 400, query
            assert answer.json["error"]["message"]
        nobody = (await asked(served, "/api/v1/requests?tenant=nobody")).json
        assert nobody == {"waiting": 0, "left_out": 0, "requests": []}
        assert (await asked(served, "/api/v1/requests", key=KEY_A)).status == 403

    served_by(test, tmp_path)


async def _waiting(served: Served, count: int) -> dict[str, Any]:
    """The answer, once so many wait."""
    async with asyncio.timeout(20):
        while True:
            told: dict[str, Any] = (await served.admin("/api/v1/requests")).json
            if told["waiting"] == count:
                return told
            await asyncio.sleep(0.02)

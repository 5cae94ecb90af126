"""Keys change without a pause while a thousand requests are open: none is refused that should pass, and
none passes that should be refused."""

import asyncio
from pathlib import Path

from support.keys import Keys
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import serving, url_engine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}
REQUESTS = 1_000
AT_ONCE = 250
"""Connections that this one process opens in the same moment; the requests are all open together."""


def test_no_request_is_refused_that_should_pass_while_keys_change(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        async with ScriptedEngine(("m",)) as engine:
            engine.default = Answer(tokens=1, gated=True)
            config = keys.configure(url_engine(engine.url, window=8))
            limits = {"queue_requests_max": 5_000, "tenant_queue_requests_max": 5_000}
            config["limits"] = limits
            stays = [await keys.create(tenant) for tenant in "abab"]
            goes = await keys.create("a")
            assert (await keys.quick("revoke", goes.key_id)).code == 0
            gate = asyncio.Semaphore(AT_ONCE)
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)

                async def ask(number: int) -> int:
                    async with gate:
                        stream = await served.stream(CHAT, key=stays[number % 4].key)
                    status = await stream.head()
                    await stream.close()
                    return status

                async def strangers() -> set[int]:
                    found = set()
                    while not asked.done():
                        found.add((await served.get("/v1/models", key=goes.key)).status)
                        found.add((await served.get("/v1/models", key=f"{goes.key}x")).status)
                    return found

                async def change() -> None:
                    made = await keys.create("b")
                    assert (await served.get("/v1/models", key=made.key)).status == 200
                    assert (await keys.quick("rotate", stays[0].key_id, "--grace", "1h")).code == 0
                    assert (await keys.quick("revoke", made.key_id)).code == 0

                async def let_go() -> None:
                    for number in range(1, REQUESTS + 1):
                        (await engine.received(number)).release()

                asked = asyncio.gather(*(ask(number) for number in range(REQUESTS)))
                refused = asyncio.create_task(strangers())
                for _ in range(10):
                    await change()
                letting = asyncio.create_task(let_go())
                while not asked.done():
                    await change()
                assert set(await asked) == {200}
                assert await refused == {401}
                await letting
                ended = [line for line in served.lines if line["event"] == "request"]
                assert {line["outcome"] for line in ended} <= {"completed", "cancelled_running"}

    run_on_loop(main, limit_s=55)

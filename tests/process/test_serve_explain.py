"""`evenhand explain` asks a running gateway why a request waits or waited, as an operator does."""

import json
from pathlib import Path
from typing import Any

from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import KEY_B, Served, configuration, end, serving, spawn, url_engine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}


async def explain(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    process = await spawn("explain", *map(str, arguments))
    try:
        out, err = await process.communicate()
    finally:
        await end(process)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def waiting(served: Served, requests: int) -> None:
    while (await served.admin("/state")).json["queue"]["requests"] < requests:
        pass


def test_a_request_is_explained_while_it_waits_runs_and_when_it_is_over(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=4, gated=True)
            config: dict[str, Any] = configuration(url_engine(engine.url, window=1))
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                file = tmp_path / "asking.yaml"
                listen = f"{served.admin_host}:{served.admin_port}"
                file.write_text(
                    json.dumps(config | {"admin": {**config["admin"], "listen": listen}})
                )
                streams = [await served.stream(CHAT)]
                await engine.received(1)
                streams.append(await served.stream(CHAT))
                await waiting(served, 1)
                streams.append(await served.stream(CHAT, key=KEY_B))
                await waiting(served, 2)
                engine.requests[0].release()
                await engine.received(2)
                engine.requests[1].release()
                await engine.received(3)
                engine.requests[2].release()
                for stream in streams:
                    await stream.events()
                    await stream.close()
                lines = {}
                for index in range(3):
                    line = await served.logged("request", index + 1)
                    lines[line["request_id"]] = line
                ids = [line["request_id"] for line in served.lines if line["event"] == "request"]
                last = ids[-1]
                code, out, err = await explain(last, "--config", file)
                assert (code, err) == (0, "")
                assert "The request was completed at " in out
                assert " started meanwhile" in out
                code, out, _ = await explain(last, "--config", file, "--json")
                page = json.loads(out)
                assert (code, page["phase"], page["outcome"]) == (0, "ended", "completed")
                assert page["gate"] == "share"
                (line,) = page["instead"]
                assert (line["gate"], line["requests"]) == ("share", 1)
                assert line["tenant"] != page["tenant"]
                assert line["counter"] <= line["own_counter"]

                first = next(i for i in ids if not lines[i]["queue_wait_ms"])
                page = (await served.admin(f"/explain/{first}")).json
                assert (page["gate"], page["waited_ms"], page["instead"]) == (None, 0, [])

                code, out, err = await explain("req_of_nobody", "--config", file)
                assert (code, out) == (1, "")
                assert "knows no such request" in err
                code, out, err = await explain("../state", "--config", file)
                assert (code, out) == (1, "")
                assert "no request id" in err
                assert (await served.admin(f"/explain/{first}", key="wrong-wrong")).status == 401
                assert await served.stop() == 0

    run_on_loop(main)

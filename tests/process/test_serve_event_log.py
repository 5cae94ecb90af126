"""`evenhand serve --event-log`: what a gateway decided is decided alike by `evenhand replay`."""

import gzip
import json
from pathlib import Path

from evenhand.stores.event_log import replay_file
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import KEY_A, KEY_B, configuration, end, serving, spawn, url_engine

SECRET = "the launch code is 4711 and nobody may read it " * 20


def ask(number: int) -> dict[str, object]:
    content = f"{SECRET} {number}"
    return {"model": "m", "messages": [{"role": "user", "content": content}], "max_tokens": 4}


def test_a_gateway_records_what_replays_without_the_text(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl.gz"

    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=4, token_delay_s=0.01)
            config = configuration(url_engine(engine.url, window=1), policy={"preset": "dlpm"})
            options = ("--event-log", str(log))
            async with serving(config, folder=tmp_path, options=options) as served:
                await served.logged("engine", up=True)
                streams = [
                    await served.stream(ask(number % 2), key=(KEY_A, KEY_B)[number % 2])
                    for number in range(6)
                ]
                await streams[3].close()
                for stream in streams:
                    if stream is not streams[3]:
                        await stream.events()
                        await stream.close()
                assert await served.stop() == 0

    run_on_loop(main)
    replayed = replay_file(log)
    assert (replayed.host, replayed.policy, replayed.ended) == ("gateway", "dlpm", "complete")
    assert replayed.difference is None
    text = gzip.decompress(log.read_bytes())
    assert text.count(b'"prefix"') >= 6
    assert b"launch" not in text
    assert b"dGhlIGxhdW5jaCBjb2Rl" not in text


def test_a_full_log_stops_and_the_gateway_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            config = configuration(url_engine(engine.url))
            options = ("--event-log", "/dev/full")
            async with serving(config, folder=tmp_path, options=options) as served:
                await served.logged("engine", up=True)
                assert (await served.post(ask(1))).status == 200
                assert await served.stop() == 0
                line = await served.logged("event_log_stopped")
                assert "No space left" in line["reason"]

    run_on_loop(main)


def test_a_log_that_cannot_be_begun_ends_the_start(tmp_path: Path) -> None:
    config = configuration(url_engine("http://127.0.0.1:1"))
    file = tmp_path / "evenhand.yaml"
    file.write_text(json.dumps(config))

    async def main() -> None:
        process = await spawn("serve", str(file), "--event-log", str(tmp_path / "none" / "log"))
        try:
            _, err = await process.communicate()
        finally:
            await end(process)
        assert process.returncode == 1
        assert b"cannot be written: No such file or directory. Name another file." in err

    run_on_loop(main)

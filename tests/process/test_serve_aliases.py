"""Aliases of a gateway that serves: changed in its file, and refused there, without a restart."""

import json
from pathlib import Path
from typing import Any

from support.gateway import CHAT
from support.on_loop import run_on_loop
from support.scripted_engine import ScriptedEngine
from support.serve import Served, configuration, serving, url_engine


async def statuses(served: Served) -> list[int]:
    return [(await served.post({**CHAT, "model": name})).status for name in ("m", "one", "two")]


def test_names_change_with_the_file(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:

            def config(aliases: Any) -> dict[str, Any]:
                return configuration(url_engine(engine.url), aliases=aliases)

            file = tmp_path / "evenhand.yaml"
            async with serving(config({"one": "m"}), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                assert await statuses(served) == [200, 200, 403]
                listed = (await served.get("/v1/models")).json["data"]
                assert [(model["id"], model["root"]) for model in listed] == [
                    ("m", "m"),
                    ("one", "m"),
                ]
                file.write_text(json.dumps(config({"two": "m"})))
                served.signal(1)
                await served.logged("configuration_changed")
                assert await statuses(served) == [200, 403, 200]
                file.write_text(json.dumps(config({"three": "nowhere"})))
                served.signal(1)
                await served.logged("reload_refused")
                assert await statuses(served) == [200, 403, 200]
                assert {request.json["model"] for request in engine.requests} == {"m"}
                assert await served.stop() == 0

    run_on_loop(main)

"""`evenhand serve` with `mode: observe`, and `evenhand observed` that asks it, as an operator does."""

import json
from pathlib import Path
from typing import Any

from support.certificates import make_pair
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import KEY_B, Served, configuration, end, serving, spawn, url_engine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}
WRONG = "adm-wrong-credential-0123456789abcdef"


async def command(
    *arguments: str | Path, environment: dict[str, str] | None = None
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `evenhand observed ARGUMENTS`."""
    process = await spawn("observed", "--config", *map(str, arguments), environment=environment)
    try:
        out, err = await process.communicate()
    finally:
        await end(process)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def file_for(served: Served, config: dict[str, Any], folder: Path) -> Path:
    """The configuration as it would be with the port that the system has picked."""
    file = folder / "asking.yaml"
    listen = f"{served.admin_host}:{served.admin_port}"
    file.write_text(json.dumps(config | {"admin": {**config["admin"], "listen": listen}}))
    return file


def test_the_command_tells_what_a_fair_order_would_change(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=4, token_delay_s=0.02)
            config = configuration(url_engine(engine.url, window=1), mode="observe")
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                file = file_for(served, config, tmp_path)
                code, out, err = await command(file)
                assert (code, err) == (0, "")
                assert "nothing to compare" in out

                flood = [await served.stream(CHAT) for _ in range(6)]
                await engine.received(1)
                while (await served.admin("/state")).json["open_requests"] < 6:
                    pass
                assert (await served.post(CHAT, key=KEY_B)).status == 200
                for stream in flood:
                    await stream.events()
                    await stream.close()
                while (await served.admin("/observed")).json["open_requests"]:
                    pass

                code, out, err = await command(file)
                assert (code, err) == (0, "")
                assert "b would wait less: " in out
                assert "Since the start: in order of arrival > by vtc" in out
                code, out, _ = await command(file, "--json")
                assert code == 0
                rows = {row["tenant"]: row for row in json.loads(out)["in_all"]}
                assert rows["b"]["effect"] == "gains"
                assert rows["a"]["fair"]["requests"] == 6
                state = (await served.admin("/state")).json
                assert (state["mode"], state["policy"]["preset"]) == ("observe", "fcfs")
                metrics = (await served.admin("/metrics")).body
                assert (
                    b'evenhand_observed_wait_seconds_count{order="fair",tenant="b"} 1.0' in metrics
                )

                code, out, err = await command(file, environment={"ADMIN_KEY": WRONG})
                assert (code, out) == (1, "")
                assert "refuses the credential" in err
                assert WRONG not in err
                assert (await served.admin("/observed", key=WRONG)).status == 401

                assert await served.stop() == 0
                totals = await served.logged("observed")
                assert totals["arrival_requests"] == totals["fair_requests"] == 7
                assert [line["event"] for line in served.lines][-1] == "stopped"
            code, out, err = await command(file)
            assert (code, out) == (1, "")
            assert "no gateway answers" in err
            assert "evenhand serve" in err

    run_on_loop(main)


def test_a_gateway_that_enforces_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            config = configuration(url_engine(engine.url))
            async with serving(config, folder=tmp_path) as served:
                file = file_for(served, config, tmp_path)
                code, out, err = await command(file)
                assert (code, out) == (1, "")
                assert "mode: observe" in err
                code, out, err = await command(tmp_path / "evenhand.yaml")
                assert (code, out) == (1, "")
                assert "port 0" in err
                assert (await served.admin("/state")).json["mode"] == "enforce"

    run_on_loop(main)


def test_an_admin_listener_inside_tls_is_asked_inside_tls(tmp_path: Path) -> None:
    async def main() -> None:
        pair, other = make_pair(tmp_path / "pair"), make_pair(tmp_path / "other")
        async with ScriptedEngine() as engine:
            config = configuration(url_engine(engine.url), mode="observe")
            config["admin"]["tls"] = {"certificate": str(pair.certificate), "key": str(pair.key)}
            async with serving(config, folder=tmp_path) as served:
                file = file_for(served, config, tmp_path)
                code, out, err = await command(file)
                assert (code, err) == (0, "")
                assert "nothing to compare" in out
                config["admin"]["tls"]["certificate"] = str(other.certificate)
                code, out, err = await command(file_for(served, config, tmp_path))
                assert (code, out) == (1, ""), "the credential goes to nobody else"
                assert "no gateway answers" in err

    run_on_loop(main)


def test_what_cannot_be_asked_is_explained(tmp_path: Path) -> None:
    async def main() -> None:
        code, _, err = await command(tmp_path / "nowhere.yaml")
        assert code == 1
        assert "no such file" in err
        file = tmp_path / "evenhand.yaml"
        file.write_text(json.dumps(configuration(url_engine("http://127.0.0.1:1"))))
        code, _, err = await command(file, environment={"ADMIN_KEY": ""})
        assert code == 1
        assert "admin.credential: env:ADMIN_KEY is not set" in err
        # Keys of tenants are not wanted for this.
        code, _, err = await command(file, environment={"KEY_A": "", "KEY_B": ""})
        assert "port 0" in err

    run_on_loop(main)

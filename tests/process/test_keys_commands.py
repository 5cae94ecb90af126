"""`evenhand keys` beside a real `evenhand serve`: what a command says is what holds at once."""

import asyncio
import json
import signal
from pathlib import Path

from support.keys import Keys
from support.on_loop import run_on_loop
from support.raw_http import RawAnswer
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import Served, serving, url_engine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}
FAR = url_engine("http://127.0.0.1:1")
IN_FORCE = "in force in the running gateway"
AT_NEXT_START = "no gateway runs: in force from its next start"


async def status(served: Served, key: str) -> int:
    answer: RawAnswer = await served.get("/v1/models", key=key)
    return answer.status


def test_a_key_works_when_create_returns_and_not_when_revoke_does(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        async with serving(keys.configure(FAR), folder=tmp_path) as served:
            for _ in range(50):
                made = await keys.create("a")
                assert IN_FORCE in made.stderr
                assert await status(served, made.key) == 200
                gone = await keys.quick("revoke", made.key_id)
                assert gone.code == 0
                assert IN_FORCE in gone.stderr
                assert await status(served, made.key) == 401
            assert await served.stop() == 0

    run_on_loop(main, limit_s=55)


def test_the_commands_as_an_operator_types_them(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        async with serving(keys.configure(FAR), folder=tmp_path) as served:
            made = await keys.run("create", "a", "--note", "for bob", "--expires", "90d")
            assert (made.code, len(made.stdout)) == (0, 54), "the key alone is on standard output"
            assert await status(served, made.key) == 200
            turned = await keys.run("rotate", made.key_id)
            assert (turned.code, turned.key_id) == (0, made.key_id)
            assert [await status(served, key) for key in (made.key, turned.key)] == [401, 200]
            listed = await keys.run("list")
            assert listed.stdout.splitlines()[1].startswith(f"{made.key_id}  a ")
            assert "for bob" in listed.stdout
            gone = await keys.run("revoke", "-", stdin=turned.key + "\n")
            assert (gone.code, gone.stdout, gone.key_id) == (0, "", made.key_id)
            assert await status(served, turned.key) == 401
            again = await keys.run("revoke", made.key_id)
            assert again.code == 0
            assert "revoked before" in again.stderr
            assert not (await keys.run("list")).stdout
            assert "revoked" in (await keys.run("list", "--all")).stdout

    run_on_loop(main, limit_s=55)


def test_a_grace_lets_the_old_key_go_on_for_a_while(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        async with serving(keys.configure(FAR), folder=tmp_path) as served:
            made = await keys.create("a")
            turned = await keys.quick("rotate", made.key_id, "--grace", "1h")
            last = await keys.quick("rotate", made.key_id, "--grace", "2s")
            for key in (turned.key, made.key):
                while await status(served, key) != 401:  # noqa: ASYNC110 - its end is an instant
                    await asyncio.sleep(0.05)
            assert await status(served, last.key) == 200
            short = await keys.create("a", "--expires", "1s")
            while await status(served, short.key) != 401:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
            assert {key["state"] for key in await keys.listed("--all")} == {"in_force", "expired"}

    run_on_loop(main)


def test_keys_and_budgets_outlive_restarts_and_rotation(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        async with ScriptedEngine(("m",)) as engine:
            engine.default = Answer(tokens=4, prompt_tokens=6)
            config = keys.configure(url_engine(engine.url))
            made = await keys.create("a", "--tokens-max", "1000", "--model", "m")
            assert AT_NEXT_START in made.stderr
            key, answers = made.key, []
            for _ in range(2):
                async with serving(config, folder=tmp_path) as served:
                    await served.logged("engine", up=True)
                    answers += [(await served.post(CHAT, key=key)).status for _ in range(20)]
                    turned = await keys.quick("rotate", made.key_id)
                    assert await status(served, key) == 401
                    key = turned.key
                    assert await served.stop() == 0
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                while answers[-1] == 200:
                    answer = await served.post(CHAT, key=key)
                    answers.append(answer.status)
                assert "1000 tokens in all" in answer.json["error"]["message"]
                assert answers[-1] == 429
                # Ten tokens each, and a hold that fits: no restart has forgotten any.
                assert 80 < answers.count(200) <= 100
                fresh = await keys.create("a")
                assert (await served.post(CHAT, key=fresh.key)).status == 200

    run_on_loop(main, limit_s=55)


def test_money_that_a_key_may_spend_is_a_decimal_number(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        async with ScriptedEngine(("m",)) as engine:
            engine.default = Answer(tokens=4, prompt_tokens=6)
            prices = {"currency": "EUR", "models": [{"model": "m", "input": 0, "output": 100_000}]}
            config = keys.configure(url_engine(engine.url), prices=prices)
            made = await keys.create("a", "--spend-max", "2.5")
            assert (await keys.listed())[0]["limits"]["spend_max"] == "2.5"
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                answers = [await served.post(CHAT, key=made.key) for _ in range(7)]
                # Four tokens at 0.1 each: six times 0.4 fit.
                assert [answer.status for answer in answers] == [200] * 6 + [429]
                assert "2.5 EUR in all" in answers[-1].json["error"]["message"]

    run_on_loop(main)


def test_a_second_trust_domain_brings_salts_while_the_gateway_runs(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        async with ScriptedEngine(("m",)) as engine:
            config = keys.configure(url_engine(engine.url))
            one = await keys.create("a")
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)

                async def salt(key: str) -> str | None:
                    assert (await served.post(CHAT, key=key)).status == 200
                    found: str | None = engine.requests[-1].json.get("cache_salt")
                    return found

                assert await salt(one.key) is None
                same = await keys.create("a", "--application", "other")
                assert await salt(same.key) is None
                two = await keys.create("b")
                salts = [await salt(made.key) for made in (one, same, two)]
                assert salts[0] == salts[1] != salts[2]
                assert None not in salts
                await keys.quick("revoke", two.key_id)
                assert await salt(one.key) == salts[0]
                assert await served.stop() == 0
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                assert await salt(one.key), "what the other domain has cached is still there"

    run_on_loop(main)


def test_a_key_without_a_place_in_the_configuration_is_not_in_force(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        before = keys.configure(FAR)
        stays, leaves = await keys.create("a"), await keys.create("b")
        after = keys.configure(FAR, tenants=[{"name": "a"}, {"name": "c"}])
        async with serving(after, folder=tmp_path) as served:
            line = await served.logged("key_ignored", key=leaves.key_id)
            assert "there is no tenant b" in line["reason"]
            assert await status(served, stays.key) == 200
            assert await status(served, leaves.key) == 401
            states = {key["id"]: (key["state"], key["reason"]) for key in await keys.listed()}
            assert states[stays.key_id] == ("in_force", None)
            assert states[leaves.key_id][0] == "ignored"
            # The file is newer than what runs: the command must not claim what does not hold.
            keys.file.write_text(json.dumps(before))
            late = await keys.quick("create", "b")
            assert late.code == 1
            assert "no place for it" in late.stderr
            assert await status(served, late.key) == 401
            assert await served.stop() == 0
        async with serving(before, folder=tmp_path) as served:
            assert [await status(served, made.key) for made in (stays, leaves, late)] == [200] * 3
            assert not [line for line in served.lines if line["event"] == "key_ignored"]

    run_on_loop(main)


def test_many_commands_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        config = keys.configure(FAR)
        first = await asyncio.gather(*(keys.run("create", "a") for _ in range(6)))
        async with serving(config, folder=tmp_path) as served:
            more = await asyncio.gather(*(keys.run("create", "b") for _ in range(6)))
            assert [(ran.code, ran.stderr) for ran in first + more if ran.code] == []
            assert len({ran.key for ran in first + more}) == 12
            assert all(AT_NEXT_START in ran.stderr for ran in first)
            assert all(IN_FORCE in ran.stderr for ran in more)
            assert {await status(served, ran.key) for ran in first + more} == {200}

    run_on_loop(main, limit_s=58)


def test_a_revoked_keys_open_requests_run_to_their_end(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        async with ScriptedEngine(("m",)) as engine:
            engine.default = Answer(tokens=4, gated=True)
            async with serving(keys.configure(url_engine(engine.url)), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                made = await keys.create("a", "--open-requests-max", "2")
                stream = await served.stream(CHAT, key=made.key)
                request = await engine.received(1)
                assert (await keys.quick("rotate", made.key_id, "--grace", "1h")).code == 0
                waiting = asyncio.create_task(served.post(CHAT, key=made.key))
                await engine.received(2)
                assert (await served.post(CHAT, key=made.key)).status == 429, "both still count"
                assert (await keys.quick("revoke", made.key_id)).code == 0
                assert (await served.post(CHAT, key=made.key)).status == 401
                request.release()
                engine.requests[1].release()
                assert (await stream.events())[-1] == b"[DONE]"
                assert (await waiting).status == 200
                await stream.close()

    run_on_loop(main)


def test_commands_while_the_gateway_drains_and_after(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        async with ScriptedEngine(("m",)) as engine:
            engine.default = Answer(tokens=4, gated=True)
            async with serving(keys.configure(url_engine(engine.url)), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                made = await keys.create("a")
                stream = await served.stream(CHAT, key=made.key)
                request = await engine.received(1)
                served.signal(signal.SIGTERM)
                await served.logged("draining")
                gone = await keys.quick("revoke", made.key_id)
                assert IN_FORCE in gone.stderr
                request.release()
                assert (await stream.events())[-1] == b"[DONE]"
                await stream.close()
                assert await served.ended() == 0
            assert not (keys.state / "control.sock").exists()
            after = await keys.create("a")
            assert AT_NEXT_START in after.stderr

    run_on_loop(main)

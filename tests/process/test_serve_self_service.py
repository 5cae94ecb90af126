"""What a tenant sees of itself with its own key, and that it sees nothing of anybody else."""

from pathlib import Path
from typing import Any

from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import KEY_A, KEY_B, Served, configuration, serving, url_engine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}
LOUD, QUIET = "loud-neighbour", "acme"
TENANTS = [
    {"name": LOUD, "weight": 1},
    {"name": QUIET, "weight": 3, "children": [{"name": "search"}, {"name": "chat-canary"}]},
]
KEYS = [
    {"key": "env:KEY_A", "tenant": f"{QUIET}/search", "application": "bot"},
    {"key": "env:KEY_B", "tenant": LOUD, "application": "application-canary"},
]
NOT_MINE = (LOUD, "chat-canary", "application-canary", "env:KEY_B", "far")


async def told(served: Served, path: str, key: str = KEY_A) -> Any:
    """What the page says, which names nobody else."""
    answer = await served.admin(path, key=key)
    assert answer.status == 200, answer.body
    if key == KEY_A:
        assert not [name for name in NOT_MINE if name in answer.body.decode()], answer.body
    return answer.json


def test_a_tenant_sees_itself_and_nobody_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=4, gated=True)
            config = configuration(url_engine(engine.url, window=1), tenants=TENANTS, keys=KEYS)
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                me = await told(served, "/api/v1/me")
                assert me["caller"] == {"name": "env:KEY_A", "role": "tenant"}
                assert me["tenant"] == "acme/search"
                assert me["share"]["promised_ppm"] == 375_000
                assert me["key"]["lane"] == "default"
                streams = [await served.stream(CHAT, key=KEY_B)]
                await engine.received(1)
                streams += [await served.stream(CHAT, key=KEY_B), await served.stream(CHAT)]
                while (await told(served, "/api/v1/me"))["queued_requests"] < 1:
                    pass
                page = await told(served, "/api/v1/me/requests")
                (waiting,) = page["open"]
                assert (waiting["phase"], waiting["application"]) == ("queued", "bot")
                mine = waiting["request_id"]
                why = await told(served, f"/api/v1/me/explain/{mine}")
                assert why["phase"] == "queued"
                for number in range(3):
                    await engine.received(number + 1)
                    engine.requests[number].release()
                for stream in streams:
                    await stream.events()
                    await stream.close()
                await served.logged("request", 3)
                (ended,) = (await told(served, "/api/v1/me/requests"))["ended"]
                assert (ended["request_id"], ended["outcome"]) == (mine, "completed")
                assert ended["output_tokens"] == 4
                why = await told(served, f"/api/v1/me/explain/{mine}")
                assert why["phase"] == "ended"
                (key,) = (await told(served, "/api/v1/me/keys"))["keys"]
                assert (key["key"], key["is_mine"], key["ends"]) == ("env:KEY_A", True, None)

                # The neighbour's: not there, in the same words as what is nowhere.
                (foreign,) = [
                    row["request_id"]
                    for row in (await told(served, "/api/v1/me/requests", KEY_B))["ended"]
                ][:1]
                asked = [
                    await served.admin(f"/api/v1/me/explain/{which}", key=KEY_A)
                    for which in (foreign, "req_of_nobody")
                ]
                assert [answer.status for answer in asked] == [404, 404]
                assert asked[0].body == asked[1].body
                for other in (LOUD, "acme/chat-canary", "acme", "nobody", "", "acme/search/x"):
                    for page in ("", "/requests", "/keys", "/explain/x"):
                        answer = await served.admin(f"/api/v1/me{page}?tenant={other}", key=KEY_A)
                        assert answer.status == 404, (page, other)

                # An admin names the tenant.
                me = await told(served, "/api/v1/me", key="adm-serve-credential-0123456789abcdef")
                assert (me["tenant"], me["caller"]["role"]) == (None, "owner")
                answer = await served.admin(f"/api/v1/me/requests?tenant={LOUD}")
                assert len(answer.json["ended"]) == 2
                assert (await served.admin("/api/v1/me/requests")).status == 400

    run_on_loop(main)


def test_others_are_summed_up_in_an_explanation(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=4, gated=True)
            louder = [TENANTS[0] | {"weight": 9}, TENANTS[1]]
            config = configuration(url_engine(engine.url, window=1), tenants=louder, keys=KEYS)
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                streams = [await served.stream(CHAT, key=KEY_B)]
                await engine.received(1)
                for number, key in enumerate((KEY_B, KEY_A), 1):
                    streams.append(await served.stream(CHAT, key=key))
                    while (await served.admin("/state")).json["queue"]["requests"] < number:
                        pass
                waiting = (await told(served, "/api/v1/me/requests"))["open"][-1]["request_id"]
                for number in range(3):
                    await engine.received(number + 1)
                    engine.requests[number].release()
                for stream in streams:
                    await stream.events()
                    await stream.close()
                await served.logged("request", 3)
                why = await told(served, f"/api/v1/me/explain/{waiting}")
                (line,) = why["instead"]
                assert (line["tenant"], line["gate"], line["requests"]) == (
                    "another tenant",
                    "share",
                    1,
                )
                assert "1 request (" in why["sentences"][-1]
                assert "other tenants" in why["sentences"][-1]

    run_on_loop(main)


def test_a_tenant_sees_its_own_budgets(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            limited = [KEYS[0], KEYS[1] | {"limits": {"tokens_max": 1_000_000}}]
            config = configuration(
                url_engine(engine.url),
                tenants=TENANTS,
                keys=limited,
                state={"folder": "state"},
                budgets=[
                    {"tenant": f"{QUIET}/search", "period": "day", "tokens_max": 1_000},
                    {"tenant": QUIET, "period": "day", "tokens_max": 2_000},
                    {"tenant": LOUD, "period": "day", "tokens_max": 3_000},
                    {"key": "env:KEY_A", "period": "day", "tokens_max": 4_000},
                    {"key": "env:KEY_B", "period": "day", "tokens_max": 5_000},
                ],
            )
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                assert (await served.post(CHAT)).status == 200
                mine = await told(served, "/api/v1/budgets")
                assert [budget["tokens_max"] for budget in mine["budgets"]] == [1_000, 4_000]
                assert mine["keys"] == []
                assert mine["budgets"][0]["tokens_posted"] > 0
                theirs = await told(served, "/api/v1/budgets", KEY_B)
                assert [budget["tokens_max"] for budget in theirs["budgets"]] == [3_000, 5_000]
                assert len(theirs["keys"]) == 1
                every = (await served.admin("/api/v1/budgets")).json
                assert (len(every["budgets"]), len(every["keys"])) == (5, 1)

    run_on_loop(main)

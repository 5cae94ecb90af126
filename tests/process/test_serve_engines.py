"""`evenhand serve` in front of engines that are elsewhere: not there yet, there, gone."""

import json
import socket
from pathlib import Path

import uvloop

from support.scripted_engine import Answer, ScriptedEngine
from support.serve import configuration, serving, url_engine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def test_a_gateway_before_its_engine_says_so_and_serves_once_it_comes(tmp_path: Path) -> None:
    async def main() -> None:
        engine = ScriptedEngine()
        engine.port = free_port()
        async with serving(configuration(url_engine(engine.url)), folder=tmp_path) as served:
            down = await served.logged("engine", up=False)
            assert "refused" in down["reason"]

            ready = await served.admin("/readyz")
            assert ready.status == 503
            assert [reason["condition"] for reason in ready.json["reasons"]] == ["no_engine_up"]
            assert (await served.admin("/livez")).status == 200

            refused = await served.post(CHAT)
            assert refused.status == 503
            assert refused.json["error"]["code"] == "no_engine"
            assert "again" in refused.json["error"]["message"].lower()
            assert refused.headers["x-should-retry"] == "true"
            assert int(refused.headers["retry-after"]) <= 120

            await engine.listen()
            try:
                await served.logged("engine", up=True)
                assert (await served.admin("/readyz")).status == 200
                assert (await served.post(CHAT)).status == 200
            finally:
                await engine.crash()

            # Found out by the request, before any probe; the retry has no other engine to go to.
            assert (await served.post(CHAT)).status in {502, 503}
            await served.logged("engine", 2, up=False)
            assert (await served.admin("/readyz")).status == 503
            state = (await served.admin("/state")).json
            assert [engine["up"] for engine in state["engines"]] == [False]
            assert await served.stop() == 0

    uvloop.run(main())


def test_every_request_is_one_log_line_and_is_counted(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            serving(configuration(url_engine(engine.url)), folder=tmp_path) as served,
        ):
            await served.logged("engine", up=True)
            engine.script(Answer(tokens=3), Answer(status=400), Answer(cut_after_tokens=2))
            assert (await served.post(CHAT)).status == 200
            assert (await served.post(CHAT)).status == 400
            stream = await served.stream(CHAT)
            assert b"engine_failed" in (await stream.events())[-1]
            await stream.close()
            left = await served.stream(CHAT | {"max_tokens": 3})
            await left.events()
            await left.close()
            assert (await served.post(b"{")).status == 400
            assert (await served.post(CHAT | {"model": "other"})).status == 403
            assert (await served.post(CHAT, key="nobody")).status == 401
            assert (await served.get("/nowhere")).status == 404
            metrics = (await served.admin("/metrics")).body.decode()
            state = (await served.admin("/state")).json
            assert await served.stop() == 0

            requests = [line for line in served.lines if line["event"] == "request"]
            assert [line["outcome"] for line in requests] == [
                "completed",
                "refused_by_engine",
                "engine_failed",
                "completed",
                "bad_request",
                "model_forbidden",
            ]
            assert [line["status"] for line in requests] == [200, 400, 200, 200, 400, 403]
            assert len({line["request_id"] for line in requests}) == len(requests)
            refused = [line for line in served.lines if line["event"] == "refused"]
            assert [line["outcome"] for line in refused] == ["unauthenticated", "not_found"]
            for outcome in ("completed", "unauthenticated", "not_found", "engine_failed"):
                assert f'evenhand_requests_total{{outcome="{outcome}"' in metrics
            units = sum(line["units"] for line in requests)
            assert sum(tenant["service_units"] for tenant in state["tenants"]) == units

    uvloop.run(main())


SEEN = {
    "queue depth": 'evenhand_queue_depth 0.0',
    "queue wait": 'evenhand_queue_wait_seconds_count{model="m"} 1.0',
    "in flight": 'evenhand_engine_in_flight{engine="far"} 0.0',
    "window": 'evenhand_engine_window{engine="far"} 4.0',
    "up": 'evenhand_engine_up{engine="far"} 1.0',
    "service": 'evenhand_tenant_service_units_total{tenant="a"}',
    "share": 'evenhand_tenant_share{tenant="a"}',
    "time to first token": 'evenhand_ttft_seconds_count{model="m"} 1.0',
    "inter-token time": 'evenhand_inter_token_seconds_count{model="m"} 3.0',
    "outcomes": 'evenhand_requests_total{outcome="completed",model="m"} 1.0',
    "loop lag": "evenhand_loop_lag_seconds_count",
}


def test_metrics_show_all_that_is_promised(tmp_path: Path) -> None:
    async def main() -> None:
        config = configuration(url_engine("http://127.0.0.1:1"), limits={"metrics_tenants_max": 1})
        async with ScriptedEngine() as engine:
            config["engines"][0]["url"] = engine.url
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                stream = await served.stream(CHAT)
                assert json.loads((await stream.events())[0])["choices"]
                await stream.close()
                metrics = (await served.admin("/metrics")).body.decode()
                missing = {what for what, line in SEEN.items() if line not in metrics}
                assert not missing, metrics
                assert 'tenant="other"' in metrics, "the rest beyond the top N"
                assert (await served.admin("/metrics", key="wrong")).status == 401

    uvloop.run(main())

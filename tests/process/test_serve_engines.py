"""`evenhand serve` in front of engines that are elsewhere: not there yet, there, gone."""

import socket
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from support.on_loop import run_on_loop
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

    run_on_loop(main)


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
            whole = await served.stream(CHAT)
            assert (await whole.events())[-1] == b"[DONE]"
            await whole.close()
            assert (await served.post(b"{")).status == 400
            assert (await served.post(CHAT | {"model": "other"})).status == 403
            assert (await served.post(CHAT, key="nobody")).status == 401
            assert (await served.get("/nowhere")).status == 404
            metrics = (await served.admin("/metrics")).body
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
            counted = {
                (labels["outcome"], labels["model"]): count
                for labels, count in samples(metrics)["evenhand_requests_total"]
                if count
            }
            assert counted == {
                ("completed", "m"): 2,
                ("refused_by_engine", "m"): 1,
                ("engine_failed", "m"): 1,
                ("bad_request", "none"): 1,
                ("model_forbidden", "none"): 1,
                ("unauthenticated", "none"): 1,
                ("not_found", "none"): 1,
            }
            units = sum(line["units"] for line in requests)
            assert sum(tenant["service_units"] for tenant in state["tenants"]) == units

    run_on_loop(main)


SEEN = {
    ("queue depth", "evenhand_queue_depth", 0),
    ("queue wait", "evenhand_queue_wait_seconds_count{model=m}", 1),
    ("in flight", "evenhand_engine_in_flight{engine=far}", 0),
    ("window", "evenhand_engine_window{engine=far}", 4),
    ("health", "evenhand_engine_up{engine=far}", 1),
    ("service", "evenhand_tenant_service_units{tenant=a}", 2 * 10 + 4 * 20),
    ("share promised", "evenhand_tenant_share_promised{tenant=a}", 0.5),
    ("share received", "evenhand_tenant_share_received{tenant=a}", 1),
    ("the rest of the tenants", "evenhand_tenant_share_promised{tenant=other}", 0.5),
    ("time to first token", "evenhand_ttft_seconds_count{model=m}", 1),
    ("inter-token time", "evenhand_inter_token_seconds_count{model=m}", 3),
    ("outcomes", "evenhand_requests_total{model=m,outcome=completed}", 1),
}
"""What, the series, and its value after one request of four tokens."""


def test_metrics_show_all_that_is_promised(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=4, gated=True)
            limits = {"metrics_tenants_max": 1}
            config = configuration(url_engine(engine.url), limits=limits)
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                stream = await served.stream(CHAT)
                request = await engine.received(1)
                await stream.event()
                for _ in range(4):  # a token at a time: none shares a read with another
                    request.step()
                    assert await stream.event()
                await stream.events()
                await stream.close()
                metrics = (await served.admin("/metrics")).body
                shown = {
                    _series(name, labels): value
                    for name, found in samples(metrics).items()
                    for labels, value in found
                }
                wrong = {what for what, series, value in SEEN if shown.get(series) != value}
                assert not wrong, metrics.decode()
                assert "evenhand_loop_lag_seconds_count" in shown
                assert (await served.admin("/metrics", key="wrong")).status == 401

    run_on_loop(main)


def samples(metrics: bytes) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Labels and value of every series, by name, as Prometheus itself reads them."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(metrics.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((dict(sample.labels), sample.value))
    return found


def _series(name: str, labels: dict[str, str]) -> str:
    inside = ",".join(f"{label}={labels[label]}" for label in sorted(labels))
    return f"{name}{{{inside}}}" if inside else name

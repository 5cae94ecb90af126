"""Requests as OpenTelemetry spans, as a real receiver gets them from a real gateway."""

from pathlib import Path

from support.on_loop import run_on_loop
from support.otlp import Span, receiving
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import KEY_A, configuration, serving, url_engine

PROMPT, COLLECTOR_KEY = "prompt-canary", "collector-canary-0123456789"
CHAT = {"model": "m", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 8}
TRACE, CLIENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SERVER, INTERNAL, CLIENT_KIND = 2, 1, 3


def test_a_request_becomes_three_spans_in_the_clients_trace(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, receiving() as receiver:
            engine.default = Answer(tokens=4)
            config = configuration(
                url_engine(engine.url),
                traces={
                    "endpoint": receiver.url,
                    "headers": {"x-collector-key": "env:COLLECTOR_KEY"},
                    "service_name": "fair-gateway",
                },
            )
            environment = {"COLLECTOR_KEY": COLLECTOR_KEY}
            async with serving(config, folder=tmp_path, environment=environment) as served:
                await served.logged("engine", up=True)
                traceparent = f"00-{TRACE}-{CLIENT}-00"
                answer = await served.post(CHAT, headers={"traceparent": traceparent})
                assert answer.status == 200
                spans = await receiver.received(3)
                whole = one(spans, SERVER)
                assert (whole.name, whole.trace, whole.parent) == ("chat m", TRACE, CLIENT)
                record = await served.logged("request")
                told = whole.attributes
                assert told["gen_ai.operation.name"] == "chat"
                assert told["gen_ai.request.model"] == "m"
                assert told["gen_ai.usage.input_tokens"] == record["input_tokens"]
                assert told["gen_ai.usage.output_tokens"] == 4
                assert told["evenhand.tenant"] == "a"
                assert told["evenhand.lane"] == "default"
                assert told["evenhand.engine"] == "far"
                assert told["evenhand.outcome"] == "completed"
                assert told["evenhand.units"] == record["units"]
                assert told["evenhand.request_id"] == record["request_id"]
                assert told["http.response.status_code"] == 200
                assert not whole.is_error
                queue, at_engine = one(spans, INTERNAL), one(spans, CLIENT_KIND)
                assert queue.name == "queue"
                assert {span.parent for span in (queue, at_engine)} == {whole.span}
                assert len({span.span for span in spans}) == 3
                assert whole.begin_ns <= queue.begin_ns <= queue.end_ns == at_engine.begin_ns
                assert at_engine.end_ns == whole.end_ns
                passed = engine.requests[0].header("traceparent")
                assert passed == f"00-{TRACE}-{at_engine.span}-01", "the engine's spans go below"
                assert receiver.resource["service.name"] == "fair-gateway"
                assert f"x-collector-key: {COLLECTOR_KEY}" in receiver.heads[0].lower()

                # Without a client's trace, or with one that is none: a new one each time.
                for sent in ("", "00-0-0-00", f"00-{'0' * 32}-{CLIENT}-01", "ff" + traceparent[2:]):
                    await served.post(CHAT, headers={"traceparent": sent} if sent else None)
                # A request that no engine saw has no other span; its end is an error.
                assert (await served.post(CHAT | {"model": "other"})).status == 403
                spans = await receiver.received(3 + 4 * 3 + 1)
                assert len({span.trace for span in spans}) == 6
                assert all(not span.parent for span in spans[3:] if span.kind == SERVER)
                (refused,) = [span for span in spans if span.is_error]
                assert refused.attributes["error.type"] == "model_forbidden"
                metrics = ""
                while (
                    "evenhand_traces_exported_total 6.0" not in metrics
                ):  # a moment after they came
                    metrics = (await served.admin("/metrics")).body.decode()
                assert "evenhand_traces_dropped_total 0.0" in metrics
                assert await served.stop() == 0
                for secret in (PROMPT, KEY_A):
                    assert not any(secret.encode() in body for body in receiver.bodies)
                assert COLLECTOR_KEY not in served.output + metrics

    run_on_loop(main)


def one(spans: list[Span], kind: int) -> Span:
    (span,) = [span for span in spans[:3] if span.kind == kind]
    return span


def test_what_is_left_is_exported_at_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, receiving() as receiver:
            config = configuration(url_engine(engine.url), traces={"endpoint": receiver.url})
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                for _ in range(5):
                    await served.post(CHAT)
                assert await served.stop() == 0
            assert len([span for span in receiver.spans if span.kind == SERVER]) == 5

    run_on_loop(main)


def test_a_collector_that_is_gone_costs_spans_and_nothing_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, receiving() as receiver:
            receiver.status = 400  # as for what it will never take
            config = configuration(url_engine(engine.url), traces={"endpoint": receiver.url})
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                assert (await served.post(CHAT)).status == 200
                told = await served.logged("traces")
                assert told["problem"]
                receiver.status = 200
                assert (await served.post(CHAT)).status == 200
                told = await served.logged("traces", 2)
                assert told["problem"] is None
                metrics = (await served.admin("/metrics")).body.decode()
                assert "evenhand_traces_exported_total 1.0" in metrics
                assert "evenhand_traces_dropped_total 1.0" in metrics
                assert await served.stop() == 0

    run_on_loop(main)

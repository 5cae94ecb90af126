"""The official `openai` Python SDK understands our answers and streams, and may leave them."""

from pathlib import Path
from typing import Any

import openai
import pytest

from support.gateway import KEY_A, Backend, Setup, gateway, identity
from support.on_loop import run_on_loop
from support.openai_sdk import ASK, Sdk, chat, sdk
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import KEY_A as SERVED_KEY
from support.serve import configuration, embedded, serving


def test_chat_and_completions_are_answered() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, sdk(g) as s:
            engine.default = Answer(tokens=3, cached_tokens=1)
            answer = await chat(s.client)
            assert answer.choices[0].message.content == "w0 w1 w2 "
            assert answer.usage.completion_tokens == 3
            assert answer.usage.prompt_tokens_details.cached_tokens == 1
            text = await s.client.completions.create(model="m", prompt="hello", max_tokens=2)
            assert text.choices[0].text == "w0 w1 "
            records = await g.ended(2)
            assert [answer._request_id, text._request_id] == [r["request_id"] for r in records]

    run_on_loop(main)


def test_embeddings_are_answered_in_the_sdks_own_encoding() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, sdk(g) as s:
            answer = await s.client.embeddings.create(model="m", input=["hello", "you there"])
            assert engine.requests[0].json["encoding_format"] == "base64"
            assert [row.embedding for row in answer.data] == [[0.5] * 4] * 2
            assert answer.usage.prompt_tokens == 3
            floats = await s.client.embeddings.create(
                model="m", input="hello", encoding_format="float", dimensions=2
            )
            assert floats.data[0].embedding == [0.5, 0.5]
            with pytest.raises(openai.BadRequestError) as raised:
                await s.client.embeddings.create(model="m", input=[])
            assert raised.value.param == "input"
            await g.ended(3)

    run_on_loop(main)


def test_streams_end_and_carry_usage_only_if_asked() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, sdk(g) as s:
            engine.default = Answer(tokens=3)
            plain = [c async for c in await s.client.chat.completions.create(**ASK, stream=True)]
            assert "".join(c.choices[0].delta.content or "" for c in plain) == "w0 w1 w2 "
            assert plain[-1].choices[0].finish_reason == "stop"
            assert all(chunk.usage is None for chunk in plain)
            asked = [
                chunk
                async for chunk in await s.client.chat.completions.create(
                    **ASK, stream=True, stream_options={"include_usage": True}
                )
            ]
            assert not asked[-1].choices
            assert asked[-1].usage is not None
            assert asked[-1].usage.completion_tokens == 3
            assert all(chunk.usage is None for chunk in asked[:-1])
            texts = await s.client.completions.create(model="m", prompt="hi", stream=True)
            assert "".join([c.choices[0].text async for c in texts]) == "w0 w1 w2 "
            assert s.requests == 3

    run_on_loop(main)


def test_models_are_those_of_the_key() -> None:
    async def main() -> None:
        setup = Setup(keys={KEY_A: identity("a", models=frozenset({"m"}))})
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine, models=("m", "n")), setup=setup) as g,
            sdk(g) as s,
        ):
            assert [model.id async for model in s.client.models.list()] == ["m"]

    run_on_loop(main)


def test_headers_are_there_for_who_looks() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, sdk(g) as s:
            raw = await s.client.chat.completions.with_raw_response.create(
                **ASK, extra_headers={"X-Evenhand-Interaction": "trip:1"}
            )
            assert raw.headers["x-evenhand-interaction"] == "trip:1"
            assert raw.headers["x-request-id"] == raw.request_id
            assert raw.parse().choices
            begun = await s.client.chat.completions.with_raw_response.create(**ASK)
            assert begun.headers["x-evenhand-interaction"].startswith("int_")
            assert engine.requests[0].header("x-request-id") == raw.request_id

    run_on_loop(main)


def test_an_engine_dying_in_a_stream_raises_where_the_stream_is_read() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, sdk(g) as s:
            engine.script(Answer(tokens=5, cut_after_tokens=2))
            stream = await s.client.chat.completions.create(**ASK, stream=True)
            with pytest.raises(openai.APIError) as raised:
                _ = [chunk async for chunk in stream]
            assert raised.value.code == "engine_failed"
            assert s.requests == 1, "what was begun is not begun again"

    run_on_loop(main)


def test_a_client_that_leaves_a_stream_frees_the_engine() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g, sdk(g) as s:
            engine.default = Answer(tokens=50, gated=True)
            stream = await s.client.chat.completions.create(**ASK, stream=True)
            request = await engine.received(1)
            request.step()
            await anext(aiter(stream))
            await stream.close()
            await request.closed_by_client.wait()
            (record,) = await g.ended(1)
            assert record["outcome"] == "cancelled_running"

    run_on_loop(main)


@pytest.mark.parametrize("is_stream", [True, False])
def test_a_client_that_runs_out_of_patience_frees_the_engine(is_stream: bool) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine)) as g,
            sdk(g, retries=0) as s,
        ):
            engine.default = Answer(hang_after_tokens=1)
            hasty = s.client.with_options(timeout=0.2)
            with pytest.raises(openai.APITimeoutError):
                answer: Any = await hasty.chat.completions.create(**ASK, stream=is_stream)
                _ = [chunk async for chunk in answer]
            await engine.requests[0].closed_by_client.wait()
            (record,) = await g.ended(1)
            assert record["outcome"] == "cancelled_running"

    run_on_loop(main)


@pytest.mark.engine
def test_the_sdk_talks_to_a_served_embedded_engine(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(configuration(embedded()), folder=tmp_path) as served:
            s = Sdk(served.base_url, key=SERVED_KEY)
            async with s.client as client:
                assert [model.id async for model in client.models.list()] == ["m"]
                whole = await client.chat.completions.create(**ASK, max_tokens=5)
                assert whole.usage is not None
                assert 0 < whole.usage.completion_tokens <= 5
                text = await client.completions.create(model="m", prompt="hello", max_tokens=5)
                assert text.usage is not None
                stream = await client.chat.completions.create(
                    **ASK, max_tokens=5, stream=True, stream_options={"include_usage": True}
                )
                chunks = [chunk async for chunk in stream]
                assert chunks[-1].usage is not None
                assert chunks[-1].usage.prompt_tokens == whole.usage.prompt_tokens
                texts = await client.completions.create(
                    model="m", prompt="hello", max_tokens=5, stream=True
                )
                assert [chunk async for chunk in texts][-1].choices[0].finish_reason
                with pytest.raises(openai.PermissionDeniedError):
                    await client.chat.completions.create(**ASK | {"model": "other"})
            assert await served.stop() == 0
            outcomes = [r["outcome"] for r in served.lines if r["event"] == "request"]
            assert outcomes == ["completed"] * 4 + ["model_forbidden"]

    run_on_loop(main)


@pytest.mark.engine
def test_a_served_embedded_engine_embeds_and_completes(tmp_path: Path) -> None:
    async def main() -> None:
        config = configuration(embedded(embeddings="last", context_tokens=1024))
        async with serving(config, folder=tmp_path) as served:
            s = Sdk(served.base_url, key=SERVED_KEY)
            async with s.client as client:
                one = await client.embeddings.create(model="m", input="hello there")
                assert len(one.data[0].embedding) == 64
                assert one.usage.prompt_tokens > 0
                many = await client.embeddings.create(model="m", input=["hello there"] * 100)
                assert many.data[99].embedding == pytest.approx(one.data[0].embedding, abs=1e-3)
                assert many.usage.prompt_tokens == 100 * one.usage.prompt_tokens
                ids = await client.embeddings.create(model="m", input=[[5, 6, 7], [8]])
                assert ids.usage.prompt_tokens == 4
                long = await client.embeddings.create(model="m", input="word " * 900)
                assert long.usage.prompt_tokens > 512, "more than the engine computes at once"
                whole = await client.chat.completions.create(**ASK, max_tokens=5)
                assert whole.choices[0].message.content
            assert await served.stop() == 0
            records = [r for r in served.lines if r["event"] == "request"]
            answers = (one, many, ids, long)
            for record, answer in zip(records, answers, strict=False):
                assert record["path"] == "/v1/embeddings"
                assert record["input_tokens"] == answer.usage.prompt_tokens
                assert record["output_tokens"] == 0
                assert record["units"] == 10 * answer.usage.prompt_tokens
                assert not record["usage_is_estimate"]
            assert [r["outcome"] for r in records] == ["completed"] * 5

    run_on_loop(main)

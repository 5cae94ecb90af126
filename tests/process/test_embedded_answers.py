"""What the real engine answers, with the default random-weight model."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evenhand.engines.embedded import EmbeddedEngine, EmbeddedSettings
from evenhand.engines.embedded.vocabulary import CONTROLS
from support.embedded_engine import events, get, post, small_settings

pytestmark = pytest.mark.engine
CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Say something that takes a while to say."}]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    engine = EmbeddedEngine(EmbeddedSettings(threads=1), on_change=lambda _: None)
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        runner.run(engine.start())
        yield engine.url
        runner.run(engine.stop())


def ask(url: str, path: str = CHAT, **body: Any) -> dict[str, Any]:
    status, answer = post(url, path, body)
    assert status == 200, answer
    parsed: dict[str, Any] = json.loads(answer)
    return parsed


@pytest.mark.parametrize("tokens", [1, 7, 60])
def test_max_tokens_decides_the_length(url: str, tokens: int) -> None:
    answer = ask(url, messages=HELLO, max_tokens=tokens)
    assert answer["usage"]["completion_tokens"] == tokens
    assert answer["choices"][0]["finish_reason"] == "length"


def test_an_end_is_as_good_as_impossible(url: str) -> None:
    answer = ask(url, "/completion", prompt="The story ends.", n_predict=1, n_probs=10_000)
    chances = answer["completion_probabilities"][0]["top_logprobs"]
    controls = [chance for chance in chances if chance["id"] < len(CONTROLS)]
    assert len(controls) == len(CONTROLS)
    assert max(control["logprob"] for control in controls) < -50


def test_it_says_plain_words(url: str) -> None:
    text = ask(url, messages=HELLO, max_tokens=100)["choices"][0]["message"]["content"]
    assert text.isascii()
    assert len(text.split()) == 100


def test_usage_tells_cached_tokens(url: str) -> None:
    usage = ask(url, messages=HELLO, max_tokens=2)["usage"]
    assert usage["prompt_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + 2
    assert usage["prompt_tokens_details"] == {"cached_tokens": 0}


def test_a_stream_gives_each_token_the_usage_and_the_end(url: str) -> None:
    status, answer = post(
        url,
        CHAT,
        {
            "messages": HELLO,
            "max_tokens": 5,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    )
    *chunks, last = events(answer)
    parsed = [json.loads(chunk) for chunk in chunks]
    texts = [chunk["choices"][0]["delta"].get("content") for chunk in parsed if chunk["choices"]]
    assert status == 200
    assert last == "[DONE]"
    assert len([text for text in texts if text]) == 5
    assert parsed[-1]["usage"]["completion_tokens"] == 5
    assert "cached_tokens" in parsed[-1]["usage"]["prompt_tokens_details"]


def test_text_completions_work_too(url: str) -> None:
    answer = ask(url, "/v1/completions", prompt="Once upon a time", max_tokens=3)
    assert answer["usage"]["completion_tokens"] == 3


def test_the_same_prompt_is_computed_anew_for_whoever_sends_it(url: str) -> None:
    messages = [{"role": "user", "content": "the secret of one tenant " * 40}]
    # More sends than slots, so that a slot which has seen the prompt is certain to be met.
    cached = [
        ask(url, messages=messages, max_tokens=1)["usage"]["prompt_tokens_details"]
        for _ in range(6)
    ]
    assert cached == [{"cached_tokens": 0}] * 6


def test_english_is_a_few_bytes_per_token(url: str) -> None:
    text = (
        "Explain why the order in which requests are served decides who has to wait, and what a "
        "queue must remember so that nobody starves while a large tenant keeps sending more work."
    )
    tokens = ask(url, "/tokenize", content=text)["tokens"]
    assert 2.5 < len(text) / len(tokens) < 6


def test_text_of_any_script_survives_the_vocabulary(url: str) -> None:
    text = "Grüße, 世界! {'a': [1, 2]}\n\t🙂"
    tokens = ask(url, "/tokenize", content=text)["tokens"]
    assert ask(url, "/detokenize", tokens=tokens)["content"] == text


@pytest.mark.parametrize("path", ["/health", "/metrics", "/slots", "/props", "/v1/models"])
def test_what_a_gateway_looks_at_is_there(url: str, path: str) -> None:
    assert get(url, path)[0] == 200


def test_answers_name_the_model_without_its_folder(url: str) -> None:
    name = json.loads(get(url, "/v1/models")[1])["data"][0]["id"]
    assert name == Path(name).name


def test_each_slot_has_the_whole_context(url: str) -> None:
    slots = json.loads(get(url, "/slots")[1])
    assert [slot["n_ctx"] for slot in slots] == [4096] * 4


@pytest.mark.parametrize("pooling", ["last", "mean", "cls"])
def test_an_engine_that_embeds_takes_an_input_as_long_as_its_context(pooling: str) -> None:
    async def main() -> dict[str, Any]:
        engine = EmbeddedEngine(small_settings(pooling=pooling), on_change=lambda _: None)
        await engine.start()
        try:
            return await asyncio.to_thread(ask, engine.url, "/v1/embeddings", input=[[5] * 511] * 5)
        finally:
            await engine.stop()

    answer = asyncio.run(main())
    assert answer["usage"]["prompt_tokens"] == 5 * 511, "all inputs are counted"
    assert [len(row["embedding"]) for row in answer["data"]] == [64] * 5


def test_without_pooling_it_embeds_nothing(url: str) -> None:
    status, answer = post(url, "/v1/embeddings", {"input": "hello"})
    assert (status, b"embeddings" in answer) == (501, True)

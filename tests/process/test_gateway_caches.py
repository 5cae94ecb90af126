"""What engines report of their caches, end to end: beliefs, trust domains, tokens, and KV events."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import uvloop
from bench.prefix_workers.mocker import write_word_model
from bench.prefix_workers.traffic import WORDS

from evenhand.engines.kv_events import BlockFollower
from evenhand.engines.kv_events.events import read_batch
from evenhand.engines.tokenizer import load_tokenizer
from evenhand.gateway.cache_salt import CacheSalts
from evenhand.gateway.engine_caches import EngineCaches
from evenhand.gateway.engine_events import EngineEvents
from evenhand.model import EngineName, ModelName, Request, TrustDomain
from evenhand.scheduling import compose
from evenhand.scheduling.engine_cache import Cause
from evenhand.wire.dialect import EngineKind
from evenhand.wire.prefix_text import token_prefix
from support.gateway import (
    KEY_A,
    KEY_B,
    Backend,
    RunningGateway,
    Setup,
    becomes,
    gateway,
    identity,
)
from support.kv_events import batch, cleared, removed, stored
from support.scripted_engine import Answer, ScriptedEngine

E0, MODEL = EngineName("e0"), ModelName("m")
LONG = "a 4k prompt of several hundred words " * 120
TWO_DOMAINS = {
    KEY_A: identity("a", trust_domain=TrustDomain("one")),
    KEY_B: identity("b", trust_domain=TrustDomain("two")),
}
COMPARES = Setup(policy=compose("d2lpm"))


def asked(text: str, *, stream: bool = True) -> dict[str, Any]:
    return {
        "model": "m",
        "messages": [{"role": "user", "content": text}],
        "max_tokens": 4,
        "stream": stream,
        "stream_options": {"include_usage": True},
    }


@dataclass
class SaltedCache:
    """What a prefix cache would report: whole words, apart per salt, or for all alike."""

    knows_salts: bool = True
    seen: dict[object, list[list[str]]] = field(default_factory=dict)

    def answer(self, body: Mapping[str, Any]) -> Answer:
        salt = body.get("cache_salt") if self.knows_salts else None
        words = body["messages"][0]["content"].split()
        known = self.seen.setdefault(salt, [])
        cached = max((_alike(words, other) for other in known), default=0)
        known.append(words)
        return Answer(tokens=4, prompt_tokens=len(words), cached_tokens=min(cached, len(words) - 1))


def _alike(one: list[str], other: list[str]) -> int:
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


def matched(g: RunningGateway, prefix: bytes, domain: str, engine: EngineName = E0) -> int:
    assert g.scheduler.prefixes is not None
    index = g.scheduler.prefixes._indexes.get(TrustDomain(domain))
    return 0 if index is None else index.matched(prefix, engine)


def requests(g: RunningGateway) -> list[Request]:
    """All that the scheduler was given, in order."""
    given = (call.arguments.get("request") for call in g.calls)
    return list({request.id: request for request in given if isinstance(request, Request)}.values())


async def usage(g: RunningGateway, text: str, key: str = KEY_A) -> dict[str, Any]:
    answer = await g.post(asked(text, stream=False), key=key)
    assert answer.status == 200
    found: dict[str, Any] = answer.json["usage"]
    return found


@pytest.mark.parametrize("stream", [True, False])
def test_an_engine_that_has_forgotten_is_believed_to_hold_what_it_computed_since(
    *, stream: bool
) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=COMPARES) as g:
            engine.default = Answer(prompt_tokens=1_000)
            for question in ("why?", "how?"):
                assert (await g.post(asked(LONG + question, stream=stream))).status == 200
            prefixes = g.scheduler.prefixes
            assert prefixes is not None
            assert prefixes.cache(E0).corrections[Cause.USAGE] == 0, "nothing was reported"
            engine.default = Answer(prompt_tokens=1_000, cached_tokens=0)
            assert (await g.post(asked(LONG + "when?", stream=stream))).status == 200
            assert prefixes.cache(E0).corrections[Cause.USAGE] == 1
            whys, _, whens = (request.prefix for request in requests(g))
            assert matched(g, whens, "one") == len(whens)
            assert matched(g, whys, "one") < len(whys)

    uvloop.run(main())


@pytest.mark.parametrize("kind", [EngineKind.VLLM, EngineKind.SGLANG])
def test_of_one_prompt_in_two_trust_domains_neither_learns_of_the_other(kind: EngineKind) -> None:
    """S3: no hit across in the engine's cache, in the index, in the usage that is shown."""

    async def main() -> None:
        setup = replace(COMPARES, keys=TWO_DOMAINS)
        async with ScriptedEngine() as engine, gateway(Backend(engine, kind), setup=setup) as g:
            cache = SaltedCache()
            engine.decide = lambda request: cache.answer(request.json)
            shown = [
                (await usage(g, LONG, key))["prompt_tokens_details"]["cached_tokens"]
                for key in (KEY_A, KEY_B, KEY_A, KEY_B)
            ]
            assert shown[:2] == [0, 0]
            assert shown[2] == shown[3] > 700
            assert len(cache.seen) == 2
            prefix = requests(g)[0].prefix
            assert matched(g, prefix, "one") == matched(g, prefix, "two") == len(prefix)
            await usage(g, "of b alone: " + LONG, KEY_B)
            other = requests(g)[-1].prefix
            assert matched(g, other, "one") < 40, "the words before what is asked"
            assert matched(g, other, "two") == len(other)

    uvloop.run(main())


@pytest.mark.parametrize("kind", [EngineKind.TRTLLM, EngineKind.OPENAI])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("domains", [1, 2])
def test_where_domains_cannot_be_kept_apart_nobody_is_shown_what_was_cached(
    kind: EngineKind, *, stream: bool, domains: int
) -> None:
    async def main() -> None:
        setup = replace(COMPARES, keys=TWO_DOMAINS) if domains == 2 else COMPARES
        async with ScriptedEngine() as engine, gateway(Backend(engine, kind), setup=setup) as g:
            cache = SaltedCache(knows_salts=False)
            engine.decide = lambda request: cache.answer(request.json)
            await usage(g, LONG, KEY_A)
            answer = await g.post(asked(LONG, stream=stream), key=KEY_B)
            assert answer.status == 200
            told = answer.body.decode()
            figures = [
                json.loads(line.removeprefix("data: "))["usage"]
                for line in told.splitlines()
                if '"usage":{' in line.replace(" ", "")
            ]
            assert figures, told
            cached = figures[-1]["prompt_tokens_details"]["cached_tokens"]
            assert (cached > 700) is (domains == 1)
            records = await g.ended(2)
            assert records[1]["cached_input_tokens"] > 700, "it is charged as it was"

    uvloop.run(main())


# By tokens.


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    write_word_model(tmp_path / "model")
    return tmp_path / "model"


def words(count: int, *, step: int = 1) -> str:
    return " ".join(WORDS[place * step % len(WORDS)] for place in range(count))


def test_prompts_are_compared_by_the_tokens_of_their_model(tokenizer: Path) -> None:
    async def main() -> None:
        setup = replace(COMPARES, tokenizer=tokenizer)
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            await usage(g, words(300))
            (request,) = requests(g)
            reader = load_tokenizer(tokenizer, None)
            tokens = reader.tokens(json.dumps(asked(words(300))).encode())
            assert tokens is not None
            assert request.prompt_tokens == tokens.count == 302, "and what the template puts around"
            assert request.prefix == token_prefix(MODEL, tokens.ids)
            # What is not certain is compared as text, and meets no tokens.
            uncertain = asked(words(300), stream=False) | {"tools": []}
            assert (await g.post(uncertain)).status == 200
            assert requests(g)[-1].prefix.startswith(b"m\n")

    uvloop.run(main())


def test_a_client_that_leaves_while_its_prompt_is_tokenised_ends_at_once(tokenizer: Path) -> None:
    async def main() -> None:
        setup = replace(COMPARES, tokenizer=tokenizer)
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            streams = [await g.stream(asked(words(9_000, step=n))) for n in range(1, 6)]
            for stream in streams:
                await stream.close()
            await becomes(lambda: len(g.records) == len(streams))
            assert {record["outcome"] for record in g.records} <= {
                "cancelled_queued",
                "cancelled_running",
                "completed",
            }

    uvloop.run(main())


def test_events_of_blocks_say_of_single_prompts_what_an_engine_holds(tokenizer: Path) -> None:
    async def main() -> None:
        setup = replace(COMPARES, tokenizer=tokenizer, keys=TWO_DOMAINS)
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            link = g.dispatcher.engines[E0]
            salts: CacheSalts = g.gateway.salts
            events = EngineEvents(
                link,
                MODEL,
                g.scheduler,
                EngineCaches(g.scheduler),
                salts=salts,
                log=g.gateway._log,
            )
            follower = BlockFollower(events, vocabulary=1_000)
            follower.begin(is_empty=False)
            salt = salts.of(TrustDomain("one"))
            ids = list(range(10, 14))
            prefix = token_prefix(MODEL, b"".join(i.to_bytes(4, "big") for i in ids))
            follower.take(read_batch(batch(stored([1, 2], ids, salt=salt))))
            assert matched(g, prefix, "one") == len(prefix)
            assert matched(g, prefix, "two") == 0
            follower.take(read_batch(batch(removed([2]))))
            assert len(prefix) - 8 <= matched(g, prefix, "one") < len(prefix)
            follower.take(read_batch(batch(stored([3], [7, 8], salt="of another gateway"))))
            follower.take(read_batch(batch(stored([4], [7, 8]))))
            assert events.counts["stored"] == 1, "what has no salt of ours is nobody's here"
            follower.take(read_batch(batch(cleared())))
            assert matched(g, prefix, "one") == 0

    uvloop.run(main())

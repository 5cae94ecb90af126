"""`evenhand serve` with KV events: what an engine says of its blocks decides where a prompt goes."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop
from bench.prefix_workers.mocker import write_word_model
from bench.prefix_workers.traffic import WORDS

from evenhand.engines.tokenizer import load_tokenizer
from support.kv_events import Publisher, removed, stored
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import Served, configuration, serving, url_engine

BLOCK = 16
HOUSE = {
    "keys": [
        {"key": "env:KEY_A", "tenant": "a", "trust_domain": "house"},
        {"key": "env:KEY_B", "tenant": "b", "trust_domain": "house"},
    ]
}


def asked(seed: int) -> dict[str, Any]:
    text = " ".join(WORDS[(seed + place * seed) % len(WORDS)] for place in range(200))
    return {"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 2}


@contextmanager
def publishers(count: int) -> Iterator[list[Publisher]]:
    found = [Publisher() for _ in range(count)]
    try:
        yield found
    finally:
        for publisher in found:
            publisher.close()


async def counted(served: Served, name: str, at_least: int) -> str:
    """Wait until a series has come so far; the page."""
    async with asyncio.timeout(20):
        while True:
            page = (await served.admin("/metrics")).body.decode()
            values = [float(x.split()[-1]) for x in page.splitlines() if x.startswith(name)]
            if sum(values) >= at_least:
                return page
            await asyncio.sleep(0.02)


def test_a_prompt_goes_where_events_say_it_is_warm_and_rubbish_changes_nothing(
    tmp_path: Path,
) -> None:
    write_word_model(tmp_path / "model")
    reader = load_tokenizer(tmp_path / "model", None)

    def ids(seed: int) -> list[int]:
        tokens = reader.tokens(json.dumps(asked(seed)).encode())
        assert tokens is not None
        found = [int.from_bytes(tokens.ids[at : at + 4], "big") for at in range(0, 800, 4)]
        return found[: len(found) // BLOCK * BLOCK]

    async def main() -> None:
        async with ScriptedEngine(("m",)) as one, ScriptedEngine(("m",)) as two:
            engines = (one, two)
            for engine in engines:
                engine.default = Answer(tokens=2, prompt_tokens=202)
            with publishers(2) as told:
                configured = [
                    url_engine(
                        engine.url,
                        name=f"e{number}",
                        tokenizer=str(tmp_path / "model"),
                        kv_events={"endpoint": said.endpoint, "replay": said.replay},
                    )
                    for number, (engine, said) in enumerate(zip(engines, told, strict=True))
                ]
                policy = {"policy": {"placement": "cache-aware"}}
                config = configuration(*configured, **policy, **HOUSE)
                async with serving(config, folder=tmp_path) as served:
                    for said in told:
                        await asyncio.to_thread(said.subscribed)
                    # Nobody sent this prompt from here: only the events know of it.
                    warm = ids(1)
                    hashes = list(range(len(warm) // BLOCK))
                    told[1].publish(stored(hashes, warm, block=BLOCK))
                    stored_name = 'evenhand_prefix_events_total{engine="e1",what="stored"}'
                    await counted(served, stored_name, 1)
                    assert (await served.post(asked(1))).status == 200
                    assert (len(one.requests), len(two.requests)) == (0, 1)

                    # And of what it dropped; what makes no sense is said and left out.
                    told[1].publish(removed(hashes))
                    told[0].publish(raw=b"\xc1")
                    told[0].publish(stored([90], [10**6] * BLOCK, block=BLOCK))
                    told[0].publish(stored([91], ids(2)[:BLOCK], block=BLOCK), is_lost=True)
                    told[0].publish(stored([92], ids(3)[:BLOCK], block=BLOCK))
                    assert await served.logged("kv_events", engine="e0", what="malformed")
                    assert await served.logged("kv_events", engine="e0", what="other_model")
                    removed_name = 'evenhand_prefix_events_total{engine="e1",what="removed"}'
                    page = await counted(served, removed_name, 1)
                    assert 'corrections_total{cause="event",engine="e1"} 1.0' in page
                    assert 'evenhand_prefix_tokenised_total{result="tokens"} 1.0' in page
                    assert (await served.post(asked(1))).status == 200
                    assert len(one.requests) == 1, "no engine holds it: to the one with less to do"
                    assert await served.stop() == 0

    uvloop.run(main())

"""Placements before real engines: each an embedded one of its own, behind a real `evenhand serve`.

What was cached is what the engines report. Prompts of one trust domain are reused there; with two
domains none is.
"""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import uvloop

from support.serve import KEY_A, KEY_B, Served, configuration, embedded, serving

pytestmark = pytest.mark.engine

DOCUMENTS = [f"document {name} tells of {name} at length. " * 40 for name in ("tea", "ink", "fog")]
HOUSE = {
    "keys": [
        {"key": "env:KEY_A", "tenant": "a", "trust_domain": "house"},
        {"key": "env:KEY_B", "tenant": "b", "trust_domain": "house"},
    ]
}


def engines(count: int, **more: Any) -> list[dict[str, Any]]:
    roomy = {"slots": 4, "context_tokens": 1_024, "window": 4} | more
    return [embedded(name=f"e{number}", **roomy) for number in range(count)]


def asked(document: int, question: int) -> dict[str, Any]:
    said = [
        {"role": "system", "content": DOCUMENTS[document]},
        {"role": "user", "content": f"question {question}?"},
    ]
    return {"model": "m", "messages": said, "max_tokens": 2, "temperature": 0}


async def shares(served: Served, document: int, question: int, key: str = KEY_A) -> float:
    """How much of its prompt was cached."""
    answer = await served.post(asked(document, question), key=key)
    assert answer.status == 200, answer.body
    usage = answer.json["usage"]
    part: float = usage["prompt_tokens_details"]["cached_tokens"] / usage["prompt_tokens"]
    return part


async def by_engine(served: Served, count: int) -> list[str]:
    """Where the requests ran, in order of their ends."""
    await served.logged("request", count)
    return [line["engine"] for line in served.lines if line["event"] == "request"]


@pytest.mark.parametrize("placement", ["d2lpm", "preble", "cache-aware", "consistent-hash"])
def test_questions_on_a_document_meet_where_it_is_warm(placement: str, tmp_path: Path) -> None:
    async def main() -> None:
        config = configuration(*engines(2), policy={"placement": placement}, **HOUSE)
        async with serving(config, folder=tmp_path) as served:
            cold = [await shares(served, document, 0) for document in range(3)]
            warm = [
                await shares(served, document, question, KEY_B if question % 2 else KEY_A)
                for question in range(1, 4)
                for document in range(3)
            ]
            assert max(cold) < 0.2, "the same words stand before each document"
            assert min(warm) > 0.8, "also what another tenant of the house has asked"
            where = await by_engine(served, 12)
            homes = {document: set(where[document::3]) for document in range(3)}
            assert all(len(home) == 1 for home in homes.values()), homes

    uvloop.run(main())


def test_d2lpm_on_four_engines_spreads_documents_and_keeps_each_in_place(tmp_path: Path) -> None:
    async def main() -> None:
        config = configuration(*engines(4), policy={"preset": "d2lpm"}, **HOUSE)
        async with serving(config, folder=tmp_path) as served:
            # At once, so that each finds the others' engines taken.
            await asyncio.gather(*(shares(served, document, 0) for document in range(3)))
            warm = [await shares(served, d, q) for q in range(1, 4) for d in range(3)]
            assert min(warm) > 0.8
            where = await by_engine(served, 12)
            assert len(set(where[:3])) == 3
            page = (await served.admin("/metrics")).body.decode()
            told = {
                line.split("{")[0]: float(line.split()[-1])
                for line in page.splitlines()
                if line.startswith("evenhand_prefix_") and "_tokens_total" in line
            }
            assert set(told) == {
                "evenhand_prefix_believed_tokens_total",
                "evenhand_prefix_reported_tokens_total",
            }
            assert "evenhand_prefix_corrections_total{" not in page, "nothing was believed wrongly"

    uvloop.run(main())


@pytest.mark.parametrize("placement", ["round-robin", "least-outstanding"])
def test_by_turns_and_by_load_a_document_is_computed_at_each_engine(
    placement: str, tmp_path: Path
) -> None:
    async def main() -> None:
        config = configuration(*engines(2), policy={"placement": placement}, **HOUSE)
        async with serving(config, folder=tmp_path) as served:
            found = await asyncio.gather(*(shares(served, 0, number) for number in range(4)))
            assert sum(part < 0.2 for part in found) >= 2
            where = Counter(await by_engine(served, 4))
            assert where == {"e0": 2, "e1": 2}

    uvloop.run(main())


def test_of_two_trust_domains_no_prompt_is_reused_not_even_ones_own(tmp_path: Path) -> None:
    """llama.cpp has no salts (S3)."""

    async def main() -> None:
        config = configuration(*engines(1), policy={"preset": "d2lpm"})
        async with serving(config, folder=tmp_path) as served:
            parts = [
                await shares(served, 0, 0, key)
                for key in (KEY_A, KEY_B, KEY_A, KEY_B)
                for _ in "12"
            ]
            assert parts == [0.0] * 8

    uvloop.run(main())

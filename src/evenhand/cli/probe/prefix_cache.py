"""Whether an engine reuses prompts, says so, and keeps trust domains apart: it is tried out.

Three requests of one token, the second like the first, the third like it but for its salt.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from evenhand.cli.probe.finding import Finding, Verdict
from evenhand.cli.probe.subject import Subject, parsed
from evenhand.cli.probe.trust_domains import trust_domains
from evenhand.engines.signals import NoPageError
from evenhand.wire.dialect import DIALECTS, EngineKind

_REPORT_FLAG: Final = {
    EngineKind.VLLM: "start vLLM with --enable-prompt-tokens-details",
    EngineKind.SGLANG: "start SGLang with --enable-cache-report",
}
_PROMPT: Final = " ".join(str(number) for number in range(1, 81))
"""Longer than a usual block of a cache (128 tokens), shorter than a small context (512)."""


class _NotTriedError(Exception):
    """The engine would not complete the prompt."""


async def prefix_cache(subject: Subject) -> list[Finding]:
    """What three small requests show."""
    kind = EngineKind(subject.kind)
    if kind is EngineKind.OPENAI:
        says = "not tried: requests to an endpoint of kind openai may cost money"
        return [Finding("prefix cache", Verdict.NOTE, says), *trust_domains(subject, apart=None)]
    start = secrets.token_hex(8)
    try:
        await _cached(subject, start, "a")
        again = await _cached(subject, start, "a")
        other = await _cached(subject, start, "b")
    except (_NotTriedError, NoPageError) as error:
        says = f"could not be tried: {error}"
        do = "an engine that only embeds cannot be tried like this"
        return [
            Finding("prefix cache", Verdict.NOTE, says, do=do),
            *trust_domains(subject, apart=None),
        ]
    apart = None if not again else not other
    return [_reported(kind, again), *trust_domains(subject, apart=apart)]


async def _cached(subject: Subject, start: str, salt: str) -> int | None:
    """How many tokens of the prompt it says it had; None: it does not say."""
    dialect = DIALECTS[EngineKind(subject.kind)]
    body: dict[str, Any] = {
        "model": subject.models[0],
        "prompt": f"{start} {_PROMPT}",
        "max_tokens": 1,
    }
    if dialect.cache_salt:
        body["cache_salt"] = f"{start}{salt}"
    if dialect.cache_prompt:
        body |= {"cache_prompt": True, "id_slot": 0}  # each slot has a cache of its own
    page = await subject.complete(body)
    answer = parsed(page.body)
    if page.status != 200 or not isinstance(answer, dict):
        raise _NotTriedError(f"POST /v1/completions answered {page.status}")
    details = _mapping(_mapping(answer.get("usage")).get("prompt_tokens_details"))
    cached = details.get("cached_tokens")
    return cached if isinstance(cached, int) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _reported(kind: EngineKind, again: int | None) -> Finding:
    topic = "cached tokens"
    if again is None:
        costs = "cached input is charged in full, and the gateway guesses what is cached"
        do = _REPORT_FLAG.get(kind, "")
        return Finding(topic, Verdict.MISSING, "not told in `usage`", costs, do)
    if again == 0:
        says = "told in `usage`, but a repeated prompt was computed anew"
        costs = "placement by prefix gains nothing here"
        do = "switch its prefix cache on, unless its blocks are larger than 140 tokens"
        return Finding(topic, Verdict.NOTE, says, costs, do)
    return Finding(topic, Verdict.OK, f"told in `usage`: {again} of a repeated prompt")

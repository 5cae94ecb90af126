"""Usage objects as engines write them, read with suspicion."""

from collections.abc import Mapping
from typing import Any

from evenhand.model import Usage

_TOKENS_MAX = 100_000_000
"""No request has so many: a greater figure is a fault, and would bar its tenant for days."""


def usage_from(value: object) -> Usage | None:
    """An OpenAI usage object as `Usage`; None if it is absent or makes no sense."""
    if not isinstance(value, dict):  # what JSON makes; asking for a Mapping takes ten times as long
        return None
    input_tokens = _count(value, "prompt_tokens")
    # Embeddings and prompt-only answers have no completion_tokens.
    output_tokens = _count(value, "completion_tokens") if "completion_tokens" in value else 0
    if input_tokens is None or output_tokens is None:
        return None
    details = value.get("prompt_tokens_details")
    cached = _count(details, "cached_tokens") if isinstance(details, dict) else None
    return Usage(input_tokens, output_tokens, min(cached or 0, input_tokens))


def _count(value: Mapping[str, Any], key: str) -> int | None:
    count = value.get(key)
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _TOKENS_MAX:
        return None
    return count


def of_all(usage: Usage, *, prompts: int, choices: int) -> Usage:
    """What all prompts and choices used, from an engine that reports one of each: an estimate, because
    the others need not be as long."""
    return Usage(
        usage.input_tokens * prompts,
        usage.output_tokens * choices,
        usage.cached_input_tokens * prompts,
        is_estimate=True,
    )

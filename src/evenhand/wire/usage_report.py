"""The usage objects of the newer APIs, read with the same suspicion as those of completions."""

from typing import Any

from evenhand.model import Usage
from evenhand.wire.usage import TOKENS_MAX, UsageReport


def responses_usage(value: object) -> UsageReport | None:
    """Of `/v1/responses`; None if it is absent or makes no sense. Input includes what was cached."""
    if not isinstance(value, dict):
        return None
    input_tokens = _count(value.get("input_tokens"))
    output_tokens = _count(value.get("output_tokens", 0))
    if input_tokens is None or output_tokens is None:
        return None
    details = value.get("input_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return _report(input_tokens, output_tokens, cached, value)


def messages_usage(value: object, *, input_before: int | None = None) -> UsageReport | None:
    """Of `/v1/messages`; None if it is absent or makes no sense. There, what was read from a cache or
    written to one comes on top of `input_tokens`. `input_before`: what is taken for the input, the
    cached included, where the object is of output alone."""
    if not isinstance(value, dict):
        return None
    output_tokens = _count(value.get("output_tokens", 0))
    if output_tokens is None:
        return None
    if value.get("input_tokens") is None and input_before is not None:
        return _report(input_before, output_tokens, None, value)
    read = value.get("cache_read_input_tokens")
    parts = [value.get("input_tokens"), read or 0, value.get("cache_creation_input_tokens") or 0]
    counts = [count for count in map(_count, parts) if count is not None]
    if len(counts) < len(parts):
        return None
    return _report(sum(counts), output_tokens, _count(read), value)


def _report(
    input_tokens: int, output_tokens: int, cached: int | None, value: dict[str, Any]
) -> UsageReport:
    cached = None if cached is None else min(cached, input_tokens)
    details = value.get("output_tokens_details")
    reasoned = _count(details.get("reasoning_tokens")) if isinstance(details, dict) else None
    usage = Usage(input_tokens, output_tokens, cached or 0)
    usage.reasoning_tokens = min(reasoned or 0, output_tokens)
    return UsageReport(usage, cached)


def _count(value: object) -> int | None:
    # By type, because true and false are integers too.
    return value if type(value) is int and 0 <= value <= TOKENS_MAX else None

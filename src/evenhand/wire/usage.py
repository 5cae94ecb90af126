"""Usage objects as engines write them, read with suspicion."""

from typing import NamedTuple

from evenhand.model import Usage

TOKENS_MAX = 100_000_000
"""No request has so many: a greater figure is a fault, and would bar its tenant for days."""


class UsageReport(NamedTuple):
    """What an engine says that a request has used. `cached` is None where it does not say how much of
    the prompt was cached, which is not the same as none."""

    usage: Usage
    cached: int | None

    @property
    def prompt(self) -> tuple[int, int | None]:
        """The tokens of its prompt, and how many of them were cached."""
        return self.usage.input_tokens, self.cached


def usage_from(value: object) -> Usage | None:
    """An OpenAI usage object as `Usage`; None if it is absent or makes no sense."""
    if not isinstance(value, dict):  # what JSON makes; asking for a Mapping takes ten times as long
        return None
    input_tokens = value.get("prompt_tokens")
    # Embeddings and prompt-only answers have no completion_tokens.
    output_tokens = value.get("completion_tokens", 0)
    # By type, because true and false are integers too.
    if type(input_tokens) is not int or type(output_tokens) is not int:
        return None
    if not 0 <= input_tokens <= TOKENS_MAX or not 0 <= output_tokens <= TOKENS_MAX:
        return None
    cached = 0
    details = value.get("prompt_tokens_details")
    if isinstance(details, dict):
        told = details.get("cached_tokens")
        if type(told) is int and 0 < told <= TOKENS_MAX:
            cached = min(told, input_tokens)
    usage = Usage(input_tokens, output_tokens, cached)
    details = value.get("completion_tokens_details")
    # OpenAI and vLLM tell it there, SGLang beside the other figures.
    reasoned = (details if isinstance(details, dict) else value).get("reasoning_tokens")
    if type(reasoned) is int and 0 < reasoned <= TOKENS_MAX:
        usage.reasoning_tokens = min(reasoned, output_tokens)
    return usage


def cached_tokens_reported(value: object) -> int | None:
    """How many tokens of the prompt a usage object says were cached; None: it does not say, which is
    not the same as none."""
    details = value.get("prompt_tokens_details") if isinstance(value, dict) else None
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return cached if type(cached) is int and 0 <= cached <= TOKENS_MAX else None


def completion_report(value: object) -> UsageReport | None:
    """Both in one; None if there is no usage, or it makes no sense."""
    usage = usage_from(value)
    if usage is None:
        return None
    cached = cached_tokens_reported(value)
    return UsageReport(usage, cached if cached is None else min(cached, usage.input_tokens))


def of_all(usage: Usage, *, prompts: int, choices: int) -> Usage:
    """What all prompts and choices used, from an engine that reports one of each: an estimate, because
    the others need not be as long."""
    return Usage(
        usage.input_tokens * prompts,
        usage.output_tokens * choices,
        usage.cached_input_tokens * prompts,
        is_estimate=True,
        reasoning_tokens=usage.reasoning_tokens * choices,
    )

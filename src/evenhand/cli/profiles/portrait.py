"""An engine profile as plain data and as figures that say something."""

from collections.abc import Iterator
from typing import Any

from evenhand.sim.profile import EngineProfile

_CONTEXT_TOKENS = 1000


def portrait(profile: EngineProfile) -> dict[str, Any]:
    """All of it, and what it comes to."""
    return {**profile.model_dump(), "examples_ms": dict(examples(profile))}


def examples(profile: EngineProfile) -> Iterator[tuple[str, float]]:
    """How long some steps take, in milliseconds."""
    step, is_apart = profile.step, profile.loop == "slora"
    for requests in (1, 32):
        context = requests * _CONTEXT_TOKENS
        took_ms = (
            step.decode_apart_ms(requests, context)
            if is_apart
            else step.step_ms(requests, requests, context, 0)
        )
        who = "a request alone" if requests == 1 else f"each of {requests} requests"
        yield f"a token for {who}", round(took_ms, 2)
    took_ms = (
        step.prefill_apart_ms(_CONTEXT_TOKENS, 1)
        if is_apart
        else step.step_ms(_CONTEXT_TOKENS, 0, 0, _CONTEXT_TOKENS**2 / 2)
    )
    yield f"a prompt of {_CONTEXT_TOKENS:,} tokens", round(took_ms, 2)


def engine_words(profile: EngineProfile) -> str:
    """The hardware: `4 x H100 80 GB`."""
    several = f"{profile.tensor_parallel} x " if profile.tensor_parallel > 1 else ""
    return several + profile.gpu

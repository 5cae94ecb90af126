"""People who chat: short requests at random moments, below one system prompt."""

from collections.abc import Iterator
from dataclasses import dataclass

from evenhand.workloads.ask import Ask, Segment
from evenhand.workloads.draws import gaps, lognormal_tokens, stream

_SYSTEM_TOKENS = 200
_INPUT_MEAN = 400
_INPUT_SIGMA = 0.8
_INPUT_MAX = 4000
_OUTPUT_MEAN = 150
_OUTPUT_SIGMA = 0.7
_OUTPUT_MAX = 1000
_DRAWN_AT_ONCE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A tenant with so many requests a second, by a Poisson process."""

    tenant: str
    per_second: float
    lane: str = "default"


def chats(seed: int, chat: Chat, *, seconds: float, first: int) -> Iterator[Ask]:
    """Until so many seconds have passed. Asks and contents are numbered from `first` on; content `first`
    is the system prompt."""
    rng = stream(seed, "chats", chat.tenant)
    system = Segment(first, _SYSTEM_TOKENS)
    at_s, number = 0.0, first
    while True:
        some = _DRAWN_AT_ONCE
        waits = gaps(rng, per_second=chat.per_second, cv=1, count=some).tolist()
        inputs = lognormal_tokens(
            rng, mean=_INPUT_MEAN, sigma=_INPUT_SIGMA, most=_INPUT_MAX, count=some
        ).tolist()
        outputs = lognormal_tokens(
            rng, mean=_OUTPUT_MEAN, sigma=_OUTPUT_SIGMA, most=_OUTPUT_MAX, count=some
        ).tolist()
        for wait_s, own, output_tokens in zip(waits, inputs, outputs, strict=True):
            at_s += wait_s
            if at_s > seconds:
                return
            yield Ask(
                id=number,
                at_ms=1000 * at_s,
                tenant=(chat.tenant,),
                input_tokens=system.tokens + own,
                output_tokens=output_tokens,
                prompt=(system, Segment(number + 1, own)),
                application="chat",
                system_tokens=system.tokens,
                lane=chat.lane,
            )
            number += 1

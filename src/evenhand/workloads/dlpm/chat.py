"""Multi-turn chat: every turn repeats what was said and adds to it."""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from evenhand.workloads.ask import Ask
from evenhand.workloads.dials import number, whole
from evenhand.workloads.dlpm import programs
from evenhand.workloads.dlpm.programs import (
    LONGER_PREFIX,
    MORE_REQUESTS,
    Calls,
    Numbers,
    Prompt,
    Start,
)
from evenhand.workloads.draws import lognormal_tokens, stream
from evenhand.workloads.workload import Dial, DialValue, Redrawn, Workload, WorkloadRecipe

_PROMPT_MEAN = 56
_PROMPT_SIGMA = 1.0
_PROMPT_MAX = 2000
_ANSWER_MEAN = 142
_ANSWER_SIGMA = 0.8
_ANSWER_MAX = 1024
_TURNS_MAX = 30
_SYSTEM_TOKENS = 600


def _factors(values: Mapping[str, DialValue]) -> list[float]:
    """Client n is as heavy as Zipf's law has it, 1 on average; with s1 the first is heavier still."""
    clients, skew = whole(values, "clients"), number(values, "skew")
    shares = [(client + 1) ** -skew for client in range(clients)]
    factors = [clients * share / sum(shares) for share in shares]
    if programs.misbehaves(values, 0, MORE_REQUESTS):
        factors[0] *= number(values, "flood")
    return factors


def _turns(seed: int, values: Mapping[str, DialValue], starts: list[Start]) -> list[int]:
    """Of each conversation."""
    draws = [stream(seed, "turns", client) for client in range(whole(values, "clients"))]
    ending = 1 / number(values, "turns")
    return [min(int(draws[start.client].geometric(ending)), _TURNS_MAX) for start in starts]


def _conversation(
    values: Mapping[str, DialValue],
    calls: Calls,
    numbers: Numbers,
    rng: np.random.Generator,
    *,
    system: Prompt,
    turns: int,
) -> Iterator[Ask]:
    said = system
    after: tuple[int, ...] = ()
    prompts = lognormal_tokens(
        rng, mean=_PROMPT_MEAN, sigma=_PROMPT_SIGMA, most=_PROMPT_MAX, count=turns
    ).tolist()
    answers = lognormal_tokens(
        rng, mean=_ANSWER_MEAN, sigma=_ANSWER_SIGMA, most=_ANSWER_MAX, count=turns
    ).tolist()
    thinks_ms = (1000 * number(values, "think_s") * rng.standard_exponential(turns)).tolist()
    for turn in range(turns):
        said = (*said, numbers.text(prompts[turn]))
        answer = numbers.text(answers[turn])
        ask = calls.call(
            said,
            answer,
            after=after,
            think_ms=thinks_ms[turn] if turn else 0,
            is_awaited=turn < turns - 1,
        )
        said, after = (*said, answer), (ask.id,)
        yield ask


def _asks(seed: int, values: Mapping[str, DialValue]) -> Iterator[Ask]:
    numbers = Numbers()
    system = (numbers.text(_SYSTEM_TOKENS),)
    starts = programs.starts(seed, values, _factors(values))
    draws = [stream(seed, "texts", client) for client in range(whole(values, "clients"))]
    for start, turns in zip(starts, _turns(seed, values, starts), strict=True):
        is_longer = programs.misbehaves(values, start.client, LONGER_PREFIX)
        calls = Calls(start, numbers, application="chat", total=turns)
        rng = draws[start.client]
        ahead = system if is_longer else ()
        yield from _conversation(values, calls, numbers, rng, system=ahead, turns=turns)


def _build(seed: int, values: Mapping[str, DialValue]) -> Workload:
    starts = programs.starts(seed, values, _factors(values))
    return Workload(
        name=CHAT.name,
        tenants=programs.equal_tenants(whole(values, "clients")),
        asks=Redrawn(partial(_asks, seed, values)),
        size=sum(_turns(seed, values, starts)),
    )


CHAT = WorkloadRecipe(
    name="dlpm/chat",
    summary="conversations whose turns repeat all that was said",
    source="arXiv 2501.14312, section 5: mean lengths of Chatbot Arena; turns, thinking, rates, skew and"
    " both patterns are not published and ours",
    build=_build,
    dials=(
        programs.pattern_dial(
            "begins `flood` times as many conversations",
            "puts the same 600 tokens before each",
            default="none",
        ),
        programs.clients_dial(10),
        programs.programs_dial(100, "mean conversations"),
        programs.rate_dial(0.5, "mean conversations"),
        programs.CV,
        Dial(name="turns", meaning="mean of a conversation", default=4.0, least=1, most=30),
        Dial(
            name="think_s",
            meaning="mean time from an answer to the next turn",
            default=10.0,
            most=100_000,
        ),
        Dial(
            name="skew",
            meaning="exponent of Zipf's law over clients; 0: all alike",
            default=1.0,
            most=3,
        ),
        Dial(
            name="flood",
            meaning="s1: how many times as many conversations client 0 begins, so many times as fast",
            default=3.0,
            least=1,
            most=1000,
        ),
    ),
)

"""How many requests in a second an engine can answer, without running it.

In a steady state under overload every seat is taken: B requests decode, each step ends B / O of them,
and as many new ones come in. B is what seats, memory or the tokens of a step allow. Prompts come whole,
so a part of the steps computes one, up to what a step may hold, and the others decode only. Where memory
is what is short, all that an ended request frees (prompt and answer) is filled with prompts at once, of
which only one can grow to its end; the others are preempted, so that for each request prompts as long
as its answer are computed in vain, as far as no cache saves them. All means are over a sample of asks.
Nothing here is fitted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from evenhand.sim.profile import EngineProfile
from evenhand.workloads.ask import Ask, Segment

_SAMPLE_ASKS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanWork:
    """Of one request. `computed_tokens` of its prompt; `pairs` of these and what they attend to;
    `chunk_tokens` of the prompt to which a computed token belongs. `decoded_contexts` sums its context
    over its decode steps, `held_tokens` that without what it shares with others."""

    input_tokens: float
    output_tokens: float
    computed_tokens: float
    pairs: float
    chunk_tokens: float
    decoded_contexts: float
    held_tokens: float


def fleet_requests_per_s(profile: EngineProfile, engines: int, asks: Iterable[Ask]) -> float:
    """What so many engines answer at most of such asks: the first ten thousand warm a cache that holds
    all, the second ten thousand are counted; of fewer the second half."""
    sample = list(islice(asks, _SAMPLE_ASKS))
    work = mean_work(sample, warm_up=len(sample) // 2, prefix_cache=profile.prefix_cache)
    return engines * requests_per_s(profile, work)


def mean_work(asks: Iterable[Ask], *, warm_up: int = 0, prefix_cache: bool = True) -> MeanWork:
    """Of these asks, without the first `warm_up`. A cache is taken to lose nothing: a prompt computes
    what no earlier one of the sample began with. There must be asks."""
    cache = _EndlessCache()
    count = given = output = computed = 0
    pairs = contexts = held = squares = 0.0
    for number, ask in enumerate(asks):
        cached = cache.add(ask.prompt) if prefix_cache else 0
        if number < warm_up:
            continue
        cached = min(cached, ask.input_tokens - 1)
        new = ask.input_tokens - cached
        count += 1
        given += ask.input_tokens
        output += ask.output_tokens
        computed += new
        squares += new * new
        pairs += new * (cached + new / 2)
        grown = ask.output_tokens / 2
        contexts += ask.output_tokens * (ask.input_tokens + grown)
        own = ask.input_tokens - (ask.system_tokens if prefix_cache else 0)
        held += ask.output_tokens * (own + grown)
    assert count, "no asks to take means of"
    return MeanWork(
        input_tokens=given / count,
        output_tokens=output / count,
        computed_tokens=computed / count,
        pairs=pairs / count,
        chunk_tokens=squares / computed,
        decoded_contexts=contexts / count,
        held_tokens=held / count,
    )


def requests_per_s(profile: EngineProfile, work: MeanWork) -> float:
    """What one engine answers at most."""
    outputs = work.output_tokens
    seats = min(profile.sequences_max, profile.kv_tokens * outputs / work.held_tokens)
    if profile.loop == "slora":
        return 1000 * seats / outputs / _apart_ms(profile, work, seats)
    computed = work.computed_tokens
    if seats < profile.sequences_max:
        computed += outputs * computed / work.input_tokens
    seats = min(seats, profile.step_tokens_max / (1 + computed / outputs))
    return 1000 * seats / outputs / _together_ms(profile, work, seats, computed)


def _together_ms(
    profile: EngineProfile, work: MeanWork, seats: float, computed_tokens: float
) -> float:
    """The mean step that computes prompts and decodes together."""
    ended = seats / work.output_tokens
    contexts, tokens = ended * work.decoded_contexts, ended * computed_tokens
    whole = max(tokens, min(work.chunk_tokens, profile.step_tokens_max - seats))
    part = tokens / whole
    pairs = ended * work.pairs * computed_tokens / work.computed_tokens
    with_prompt = profile.step.step_ms(seats + whole, seats, contexts, pairs / part)
    without = profile.step.step_ms(seats, seats, contexts, 0.0)
    return part * with_prompt + (1 - part) * without


def _apart_ms(profile: EngineProfile, work: MeanWork, seats: float) -> float:
    """A step that decodes, and its part of the prefills between."""
    ended, cost = seats / work.output_tokens, profile.step
    prefill_ms = cost.c_t_ms * work.computed_tokens + cost.prefill_request_ms
    return cost.decode_apart_ms(seats, ended * work.decoded_contexts) + ended * prefill_ms


class _EndlessCache:
    """Of each content, how much of it has been computed."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}

    def add(self, prompt: tuple[Segment, ...]) -> int:
        """How many tokens of a prompt are there; afterwards all are."""
        cached, is_known = 0, True
        for content, tokens in prompt:
            known = self._known.get(content, 0)
            if is_known:
                cached += min(known, tokens)
            is_known = is_known and known >= tokens
            if tokens > known:
                self._known[content] = tokens
        return cached

"""One long reasoning request after the other beside ten chats: what its prompt and its thoughts do to
the pace of their answers. On vLLM, with its own defaults for a step.

28k tokens on a GPU are scaled to what the tiny model may hold: a prompt that fills most of its context,
then a long answer. The pace is told apart for the time in which the prompt is computed and that in
which the request thinks.
"""

import asyncio
import statistics
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from bench.neighbour.arms import DIRECT, PLUG_IN, Arm, lane_hints, opened
from bench.neighbour.engine import Engine
from bench.neighbour.figures import quantile, tokens_per_s, waits_s
from bench.neighbour.rounds import Figures
from bench.neighbour.scene import Played, play
from bench.neighbour.traffic import CHAT, Crowd
from evenhand.cli.demo.record import Record

SLOTS = 16
THINKER = "thinker"
CHATS = Crowd(tenant=CHAT, clients=10, words=(8, 16), output_tokens=(40, 80), think_s=(0.1, 0.4))
LONG = Crowd(tenant=THINKER, clients=1, words=(6_000, 6_000), output_tokens=(400, 400))
ARMS = (
    Arm(name=DIRECT, engine="stock"),
    Arm(name=PLUG_IN, engine="plug-in, paced", hint=lane_hints),
)
PACE: Mapping[str, object] = {
    "lanes": [{"name": CHAT, "inter_token_ms": 12}, {"name": "default"}],
    "prompt_tokens_min": 16,
}
"""What an operator says who wants even answers: a step that has a chat in it takes 12 ms at most, about
the chats' 99th percentile alone, but prompts always get on by 16 tokens."""
STEP_OVER_ALONE_MAX = 1.5
_REST_S = 0.7
_LATE_S = 1.0
_ALONE_S, _BESIDE_S = 6.0, 16.0


async def repetition(
    engines: Mapping[str, Engine],
    *,
    seed: int,
    tell: Callable[[str], None],
) -> dict[str, Figures]:
    """By arm, what it came to."""
    found = {}
    for arm in ARMS:
        tell(f"reasoning: {arm.name}")
        async with opened(arm, engines[arm.engine]) as open_arm:
            door = open_arm.door
            alone = await play(door, [CHATS], seconds=_ALONE_S, seed=seed)
            await asyncio.sleep(_REST_S)
            beside = await play(
                door, [CHATS], late=[LONG], late_s=_LATE_S, seconds=_BESIDE_S, seed=seed
            )
        found[arm.name] = {
            "alone": _of_chats(alone, _ALONE_S),
            "beside": _of_chats(beside, _BESIDE_S) | _of_thinker(beside),
        }
        await asyncio.sleep(_REST_S)
    return found


def rows(repetitions: Sequence[Mapping[str, Figures]]) -> dict[str, Figures]:
    """By arm; medians over the repetitions, milliseconds."""
    arms = repetitions[0] if repetitions else {}
    return {arm: _row([each[arm] for each in repetitions]) for arm in arms}


def verdicts(engine: str, found: Mapping[str, Figures]) -> list[Figures]:
    """What the plug-in is held to."""
    if PLUG_IN not in found:
        return []
    value = found[PLUG_IN]["step_p99_over_alone"]
    return [
        {
            "engine": engine,
            "arm": PLUG_IN,
            "figure": "step_p99_over_alone",
            "found": value,
            "at_most": STEP_OVER_ALONE_MAX,
            "is_met": value <= STEP_OVER_ALONE_MAX,
        }
    ]


def _row(turns: Sequence[Figures]) -> Figures:
    def middle(scene: str, name: str) -> float | None:
        values = [turn[scene][name] for turn in turns if turn[scene][name] is not None]
        return statistics.median(values) if values else None

    ratios = [turn["beside"]["step_p99_ms"] / turn["alone"]["step_p99_ms"] for turn in turns]
    names = (
        "step_p50_ms",
        "step_p99_ms",
        "step_max_ms",
        "ttft_p50_ms",
        "ttft_p99_ms",
        "tokens_per_s",
    )
    more = (
        "prompt_step_p99_ms",
        "thinking_step_p99_ms",
        "thinker_ttft_ms",
        "thinker_prompt_tokens",
    )
    return {
        **{f"alone_{name}": middle("alone", name) for name in names},
        **{name: middle("beside", name) for name in (*names, *more)},
        "step_p99_over_alone": statistics.median(ratios),
        "step_p99_over_alone_each": ratios,
    }


def _of_chats(played: Played, seconds: float) -> Figures:
    chats = [record for record in played.records if record.tenant == CHAT]
    steps = [b - a for record in chats for a, b in pairwise(record.token_at)]
    waits = waits_s(chats, seconds=seconds)
    return {
        "step_p50_ms": _ms(steps, 0.5),
        "step_p99_ms": _ms(steps, 0.99),
        "step_max_ms": _ms(steps, 1.0),
        "ttft_p50_ms": _ms(waits, 0.5),
        "ttft_p99_ms": _ms(waits, 0.99),
        "tokens_per_s": tokens_per_s(played.records, since_s=_LATE_S, seconds=seconds),
        "cpu": dict(played.cpu),
    }


def _of_thinker(played: Played) -> Figures:
    long = [record for record in played.records if record.tenant == THINKER]
    heard = [record for record in long if record.first_token_at is not None]
    prompt, thinking = steps_apart(
        [record for record in played.records if record.tenant == CHAT], long
    )
    used = [record.usage.input_tokens for record in heard if record.usage]
    return {
        "prompt_step_p99_ms": _ms(prompt, 0.99),
        "thinking_step_p99_ms": _ms(thinking, 0.99),
        "thinker_ttft_ms": _ms(
            [r.first_token_at - r.sent_at for r in heard if r.first_token_at], 0.5
        ),
        "thinker_prompt_tokens": used[0] if used else None,
        "thinker_tokens": sum(len(record.token_at) for record in long),
    }


def steps_apart(chats: Sequence[Record], long: Sequence[Record]) -> tuple[list[float], list[float]]:
    """Steps of the chats that ended while a long prompt was being computed, or with its first token, and
    those of the time in which one was answered."""
    spans = [(r.sent_at, r.first_token_at) for r in long]
    begins = [begin for begin, _ in spans]
    prompt: list[float] = []
    thinking: list[float] = []
    for record in chats:
        for a, b in pairwise(record.token_at):
            number = bisect_right(begins, b) - 1
            if number < 0:
                continue
            first = spans[number][1]
            # The step that ends a prompt began before its first token.
            (prompt if first is None or a <= first else thinking).append(b - a)
    return prompt, thinking


def _ms(values: Sequence[float], part: float) -> float | None:
    found = quantile(values, part)
    return None if found is None else 1000 * found

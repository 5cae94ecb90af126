"""Small fleets under all that can happen to them, drawn by hypothesis or from a seed."""

import random
from collections.abc import Callable

from hypothesis import strategies as st

from evenhand.scheduling import PRESETS, TenantShare
from evenhand.sim.engine.step_cost import StepCost
from evenhand.sim.profile import EngineProfile
from evenhand.workloads.ask import Ask, Segment
from evenhand.workloads.workload import Workload
from support.vllm_fleet import Scene

Pick = Callable[[int, int], int]
"""A whole number between two, both included."""

TENANTS = ("a", "b", "c")
POLICIES = ("fcfs", "vtc", "dlpm")
STEP = StepCost(
    t_host_ms=1.0, t_w_ms=6.47, c_t_ms=0.0205, c_kv_ms=4.21e-3, c_r_ms=0.0052, c_a_ms=7.23e-5, p=2.1
)
"""An H100's, on which contexts weigh a hundred times as much as they do."""


def small_profile(**changes: object) -> EngineProfile:
    usual = {
        "name": "small",
        "gpu": "none",
        "model": "none",
        "evidence": "made up",
        "fit_error": "not fitted",
        "step": STEP,
        "kv_tokens": 1600,
        "sequences_max": 16,
        "step_tokens_max": 200,
    }
    return EngineProfile.model_validate({**usual, **changes})


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Hypothesis shrinks these."""
    return made_scene(
        lambda least, most: draw(st.integers(least, most)), asks=draw(st.integers(1, 25))
    )


def seeded_scene(seed: int, *, asks: int) -> Scene:
    return made_scene(random.Random(seed).randint, asks=asks)


def made_scene(pick: Pick, *, asks: int) -> Scene:
    gap_ms_max = (20, 100, 400)[pick(0, 2)]
    made: list[Ask] = []
    talks: dict[int, Ask] = {}
    at_ms = 0.0
    for number in range(asks):
        at_ms += pick(0, gap_ms_max) * 1.0734519
        made.append(_ask(pick, number, at_ms, talks))
    is_in_engine = pick(0, 3) == 3
    engines = 1 if is_in_engine else pick(1, 3)
    return Scene(
        workload=Workload(
            name="scene",
            tenants=tuple(TenantShare(name=name) for name in TENANTS),
            asks=made,
            size=asks,
        ),
        policy=PRESETS[POLICIES[pick(0, len(POLICIES) - 1)]],
        profile=small_profile(
            kv_tokens=(800, 1300, 3000, 100_000)[pick(0, 3)],
            block_tokens=(16, 16, 5)[pick(0, 2)],
            step_tokens_max=(64, 200, 512)[pick(0, 2)],
            sequences_max=(4, 16, 60)[pick(0, 2)],
            prefix_cache=pick(0, 4) > 0,
        ),
        engines=engines,
        is_in_engine=is_in_engine,
        charge_every_ms=(0.0, 250.0)[pick(0, 1)],
        patience_ms={ask.id: pick(1, 4000) * 1.0173 for ask in made if pick(0, 5) == 0},
        slowdowns=[
            # No two engines are alike, or what is one moment to both depends on rounding.
            *((0.0, engine, 1 + 0.0131 * engine) for engine in range(engines)),
            *(
                (at_ms * pick(0, 100) / 99.7, pick(0, engines - 1), (1.0, 1.9, 3.5)[pick(0, 2)])
                for _ in range(pick(0, 4))
            ),
        ],
        failures=[
            (at_ms * pick(0, 100) / 99.1, pick(0, engines - 1)) for _ in range(pick(0, 6) // 5)
        ],
    )


def _ask(pick: Pick, number: int, at_ms: float, talks: dict[int, Ask]) -> Ask:
    """One of a prompt like no other; one that begins like others; or the next turn of a talk."""
    prompt: tuple[Segment, ...] = ()
    after: tuple[int, ...] = ()
    answer, output_tokens = None, pick(1, 60)
    kind = pick(0, 2)
    if kind == 1:
        begin = Segment(pick(0, 2), (16, 40, 96, 128)[pick(0, 3)])
        content = 100 + (number if pick(0, 1) else pick(0, 1))
        asked = Segment(content, (1, 16, 28, 48, 200)[pick(0, 4)])
        prompt = (begin, asked)
    elif kind == 2:
        talk, answer = pick(0, 3), 9000 + number
        before = talks.get(talk)
        said: tuple[Segment, ...] = (Segment(pick(0, 2), 80),)
        if before is not None and before.input_tokens < 400:
            assert before.output_content is not None
            said = (*before.prompt, Segment(before.output_content, before.output_tokens))
            after = (before.id,) if pick(0, 1) else ()
        prompt = (*said, Segment(5000 + number, pick(1, 60)))
    ask = Ask(
        id=number,
        at_ms=at_ms,
        tenant=(TENANTS[pick(0, 2)],),
        input_tokens=sum(s.tokens for s in prompt) or pick(1, 300),
        output_tokens=output_tokens,
        after=after,
        think_ms=37.3 * len(after),
        is_awaited=kind == 2,
        prompt=prompt,
        output_content=answer,
    )
    if kind == 2:
        talks[talk] = ask
    return ask

"""Logs as simulated engines would have written them."""

import random

from evenhand.sim.engine_log.replay import replay
from evenhand.sim.engine_log.timestamps import Timestamps
from evenhand.sim.profile import EngineProfile


def made_log(
    profile: EngineProfile, *, requests: int, gap_ms: float, seed: int = 1
) -> list[Timestamps]:
    """Poisson arrivals of lognormal lengths, and when an engine of that profile would answer."""
    draw = random.Random(seed)
    at_ms, asked = 0.0, []
    for number in range(requests):
        asked.append(
            Timestamps(
                request_id=str(number),
                input_tokens=1 + int(draw.lognormvariate(6.5, 1)),
                output_tokens=1 + int(draw.lognormvariate(5, 0.7)),
                arrived_ms=at_ms,
                scheduled_ms=None,
                first_token_ms=0.0,
                ended_ms=0.0,
            )
        )
        at_ms += draw.expovariate(1 / gap_ms)
    return replay(asked, profile).log

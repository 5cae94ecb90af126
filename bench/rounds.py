"""Interleaved rounds: every arm has its turn before any has its next, so that whatever else the machine
does meets all of them alike."""

import gc
from collections.abc import Callable, Mapping

from bench.load import Target
from bench.measures import Figures, Sizes, all_of

Rounds = dict[str, list[Figures]]
"""By arm, its figures round by round."""


async def interleaved(
    arms: Mapping[str, Target],
    engine: Target,
    sizes: Sizes,
    *,
    rounds: int,
    tell: Callable[[str], None],
) -> Rounds:
    """Measure; `tell` hears what is being done. A round for warming up is not counted."""
    done: Rounds = {name: [] for name in arms}
    few = min(sizes.few_streams, 20)
    warm_up = Sizes(seconds=0.1, few_streams=few, many_streams=few, repeats=5)
    for number in range(rounds + 1):
        for name, target in arms.items():
            tell(f"round {number} of {rounds}: {name}" if number else f"warming up: {name}")
            figures = await all_of(target, engine, sizes if number else warm_up)
            gc.collect()
            if number:
                done[name].append(figures)
    return done

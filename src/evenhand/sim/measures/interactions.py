"""User actions: how many were carried through, turned away, held up, and what was computed in vain.

A request that names no interaction is one of its own.
"""

from dataclasses import dataclass

import numpy as np

from evenhand.sim.measures.columns import Columns, Flags, Floats, Integers

DELAYED_S = 1.0
"""A wait for an engine, in the middle of an interaction, that a user notices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionFigures:
    """Counts of interactions. `completed`: all its calls were answered. `throttled`: one of its calls
    was refused, the first or a later one. `delayed`: a call after its first waited longer than a
    second before it started, or gave up waiting after that. `wasted_tokens`: input and output computed
    for interactions that were not completed. `wasted_prompt_tokens`: only the input, only of throttled
    ones, as FairServe's artifact counts."""

    total: int
    completed: int
    throttled: int
    delayed: int
    wasted_tokens: int
    wasted_prompt_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interactions:
    """`of_row` is the number of each row's interaction; the rest has an entry for each of them."""

    of_row: Integers
    is_completed: Flags
    is_throttled: Flags
    is_delayed: Flags

    def __len__(self) -> int:
        return len(self.is_completed)

    def wasted(self, run: Columns) -> Floats:
        """Tokens of each row that were computed for nothing."""
        tokens = (run.input_tokens + run.output_tokens) * run.is_served
        return np.where(self.is_completed[self.of_row], 0, tokens).astype(np.float64)

    def figures(self, run: Columns) -> InteractionFigures:
        """All counts."""
        in_throttled = self.is_throttled[self.of_row] & run.is_served
        return InteractionFigures(
            total=len(self),
            completed=int(self.is_completed.sum()),
            throttled=int(self.is_throttled.sum()),
            delayed=int(self.is_delayed.sum()),
            wasted_tokens=int(self.wasted(run).sum()),
            wasted_prompt_tokens=int(run.input_tokens[in_throttled].sum()),
        )


def interactions(run: Columns, *, delayed_s: float = DELAYED_S) -> Interactions:
    """Group the rows. Names of interactions are each tenant's own."""
    is_alone = run.interaction < 0
    key = run.tenant * (int(run.interaction.max(initial=0)) + 1) + run.interaction
    key[is_alone] = -1 - np.arange(int(is_alone.sum()))
    _, of_row = np.unique(key, return_inverse=True)
    total = int(of_row.max(initial=-1)) + 1

    def has(flags: Flags) -> Flags:
        return np.bincount(of_row[flags], minlength=total) > 0

    started_s = np.where(run.started_s >= 0, run.started_s, run.ended_s)
    waited = run.is_sent & ~run.is_refused & (started_s - run.arrived_s > delayed_s)
    return Interactions(
        of_row=of_row.astype(np.int64),
        is_completed=~has(~run.is_completed),
        is_throttled=has(run.is_refused),
        is_delayed=has(waited & (run.call_index > 0)),
    )

"""What a run of the platform is measured by, with the definitions of the paper's artifact where it has
some."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evenhand.sim.measures.columns import Columns, Flags, Floats, Integers
from evenhand.sim.measures.interactions import Interactions, interactions
from evenhand.sim.measures.spread import within
from evenhand.sim.papers.fairserve.mid_interaction import queue_while_mid_interaction
from evenhand.sim.run_record import Fate


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformFigures:
    """Of one run.

    An interaction is throttled if one of its calls is; the calls after that are never sent. Wasted are
    the prompt tokens of answered calls of such interactions. `served_share` is that of users, or of
    interactions, of which no call was throttled. A wait lasts until the first token. A user is within
    its share if it asks for no more than one of so many equal parts of what the engine can do in the
    time of the arrivals; it is content with an even division if it asks for no more than an equal part
    of what those who ask for less leave over. Both hold in weighted tokens, as VTC counts, and in
    average calls of its applications, as FairServe does; they depend on the trace and the engine alone.
    """

    requests: int
    requests_throttled: int
    interactions: int
    throttled: int
    throttled_within: int
    """Interactions of which something had been answered already."""
    wasted_tokens: int
    users_hit: int
    served_share_users: float
    served_share_interactions: float
    answered_at_once: bool
    """Whether every throttled call was answered at the moment at which it came."""
    units_asked: float
    """Weighted tokens of all requests."""
    busy_units_per_s: float
    """Weighted tokens served a second in the last three quarters of the arrivals."""
    makespan_s: float
    """Until the last answer that was complete."""
    prompt_tokens_per_s: float
    """Until nine tenths of what was answered are: the last long chains leave the engine almost idle."""
    output_tokens_per_s: float
    ttft_mean_s: float
    ttft_p99_s: float
    latency_mean_s: float
    in_share_wait_p99_s: float
    content_wait_p99_s: float
    mid_queue: float
    """Requests that a user has waiting itself while a call of it runs that another call follows; mean
    over that time of all users (the artifact's queue delay, there at scheduling points)."""
    users_delayed_share: float
    """Of users with such time: those who had any waiting then."""
    mid_wait_p99_s: float
    """Of calls that are not the first of their interaction."""


def platform_figures(
    run: Columns, in_share: Flags, content: Flags, seconds: float
) -> PlatformFigures:
    """`in_share` and `content` of the run's tenants; requests came for so many `seconds`."""
    done, thrown = run.is_completed, run.fate == Fate.THROTTLED
    grouped = interactions(run)
    is_begun = np.bincount(grouped.of_row[done], minlength=len(grouped)) > 0
    users = np.unique(run.tenant)
    users_hit = np.unique(run.tenant[thrown])
    busy_s = float(np.quantile(run.ended_s[done], 0.9))
    is_early = run.ended_s <= busy_s
    part = within(run.first_token_s, run.ended_s, seconds / 4, seconds)
    wait_s = run.first_token_s - run.arrived_s
    ttft_s = wait_s[done]
    mid = done & (run.call_index > 0)
    queue, delayed = queue_while_mid_interaction(run, _is_followed(run, grouped))
    return PlatformFigures(
        requests=len(run.fate),
        requests_throttled=int(thrown.sum()),
        interactions=len(grouped),
        throttled=int(grouped.is_throttled.sum()),
        throttled_within=int((grouped.is_throttled & is_begun).sum()),
        wasted_tokens=grouped.figures(run).wasted_prompt_tokens,
        users_hit=len(users_hit),
        served_share_users=1 - len(users_hit) / len(users),
        served_share_interactions=1 - float(grouped.is_throttled.mean()),
        answered_at_once=bool((run.ended_s == run.arrived_s)[thrown].all()),
        units_asked=float(run.demand.sum()),
        busy_units_per_s=float((run.service * part).sum()) / (seconds * 3 / 4),
        makespan_s=float(run.ended_s[done].max()),
        prompt_tokens_per_s=float(run.input_tokens[done & is_early].sum()) / busy_s,
        output_tokens_per_s=float(run.output_tokens[done & is_early].sum()) / busy_s,
        ttft_mean_s=float(ttft_s.mean()),
        ttft_p99_s=_p99(ttft_s),
        latency_mean_s=float((run.ended_s - run.arrived_s)[done].mean()),
        in_share_wait_p99_s=_p99(wait_s[done & in_share[run.tenant]]),
        content_wait_p99_s=_p99(wait_s[done & content[run.tenant]]),
        mid_queue=queue,
        users_delayed_share=delayed,
        mid_wait_p99_s=_p99(wait_s[mid]),
    )


def _is_followed(run: Columns, grouped: Interactions) -> Flags:
    """Whether another call of its interaction comes after it."""
    last = np.zeros(len(grouped), dtype=np.int64)
    np.maximum.at(last, grouped.of_row, run.call_index)
    return run.call_index < last[grouped.of_row]


def content_users(asked: Floats | Integers, part: float) -> Flags:
    """Who asks for no more than an even division of so large a part of everything that is asked for
    gives: what small users leave is divided among the others. `part` below 1."""
    left, level = part * float(asked.sum()), float("inf")
    for number, amount in enumerate(np.sort(asked)):
        level = left / (len(asked) - number)
        if amount > level:
            return asked <= level
        left -= amount
    return np.ones(len(asked), dtype=bool)


def _p99(values: Floats) -> float:
    return float(np.quantile(values, 0.99)) if len(values) else 0.0


def summed(figures: list[PlatformFigures], name: str) -> float:
    """Of all seeds together."""
    return float(sum(getattr(one, name) for one in figures))


def averaged(figures: list[PlatformFigures], name: str) -> float:
    """Over the seeds."""
    return summed(figures, name) / len(figures)


Runs = Mapping[str, list[PlatformFigures]]
"""By policy, one for each seed."""

"""Coding agents: each works through sessions of calls that repeat all that was said before.

A fixed number of agents, each in the middle of a session at the start. Their prompts grow as those of
Claude Code, scaled down to what an engine can hold.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heapify, heapreplace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evenhand.model import TenantPath
from evenhand.workloads.draws import Floats, stream
from evenhand.workloads.mix import figures
from evenhand.workloads.mix.clients import Agents
from evenhand.workloads.mix.figures import Lognormal

_GRID = 4000
_SESSION_CONTENTS = 1 << 40
"""Contents of conversations are numbered from here up."""


class Call(NamedTuple):
    """A call of an agent at a moment of the mix's own time. `system` and `conversation` are contents,
    each with its tokens. `is_last` of its session."""

    at_s: float
    agent: int
    tenant: TenantPath
    session: str
    number: int
    calls: int
    is_first: bool
    is_last: bool
    system: tuple[int, int]
    conversation: tuple[int, int]
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDials:
    """`input_mean`: of agents' prompts, in tokens; no prompt and answer exceed `context_max`."""

    per_second: float
    input_mean: int
    context_max: int


class Crew:
    """Calls of all agents in order of time, one at a time: `head_s`, then `take`."""

    def __init__(self, seed: int, agents: Agents, dials: AgentDials) -> None:
        needed = dials.per_second * THINK.mean_s
        count = max(1, math.ceil(needed)) if len(agents.tenants) else 0
        shares = np.cumsum(agents.shares)
        owners = [int(n) for n in shares.searchsorted((np.arange(count) + 0.5) / max(1, count))]
        owners = [min(owner, len(agents.tenants) - 1) for owner in owners]
        # Fewer agents than whole ones would be needed: all of them think longer.
        slowdown = count / needed if needed else 1.0
        self._agents = [
            _Agent(
                seed,
                n,
                tenant=agents.tenants[owner],
                system=agents.systems[owner],
                dials=dials,
                slowdown=slowdown,
            ).calls()
            for n, owner in enumerate(owners)
        ]
        self._heads = [next(agent) for agent in self._agents]
        heapify(self._heads)

    @property
    def head_s(self) -> float:
        """When the next call is; `inf` without agents."""
        return self._heads[0].at_s if self._heads else math.inf

    def take(self) -> Call:
        """The next call."""
        call = self._heads[0]
        heapreplace(self._heads, next(self._agents[call.agent]))
        return call


class Think:
    """Seconds from an answer to the next call, by the measured parts."""

    def __init__(self) -> None:
        parts = (np.arange(_GRID) + 0.5) / _GRID
        logs = np.log(figures.AGENT_THINK_S)
        self._grid = np.exp(np.interp(parts, figures.AGENT_THINK_PARTS, logs))
        self._summed = np.cumsum(self._grid)
        self.mean_s = float(self._grid.mean())

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """So many."""
        return self._grid[rng.integers(0, _GRID, count)]

    def draw_rest(self, rng: np.random.Generator) -> float:
        """From any moment to the next call: a part of a think time, long as often as it is wide."""
        found = int(self._summed.searchsorted(rng.random() * self._summed[-1]))
        return float(self._grid[min(found, _GRID - 1)] * rng.random())


THINK = Think()


class _Agent:
    """One agent."""

    def __init__(
        self,
        seed: int,
        number: int,
        *,
        tenant: TenantPath,
        system: int,
        dials: AgentDials,
        slowdown: float,
    ) -> None:
        self._rng = stream(seed, "mix", "agent", number)
        self._number = number
        self._tenant = tenant
        self._dials = dials
        self._slowdown = slowdown
        self._scale = dials.input_mean / figures.AGENT_INPUT_MEAN
        system_tokens = int(figures.AGENT_SYSTEM_TOKENS * self._scale)
        self._system = system, max(1, min(system_tokens, dials.context_max // 4))
        self._output_max = output_tokens_max(dials.context_max)
        self._content = _SESSION_CONTENTS + (number << 32)

    def calls(self) -> Iterator[Call]:
        """Session after session, without end."""
        rng = self._rng
        at_s = THINK.draw_rest(rng) * self._slowdown
        skipped = rng.random()  # it is somewhere within its first session
        session = 0
        while True:
            session += 1
            calls = self._session_calls(is_seen_long=session == 1)
            first = int(skipped * calls) if session == 1 else 0
            lengths, rewritten = self._conversation(calls)
            outputs = np.minimum(_drawn(rng, figures.AGENT_OUTPUT, calls), self._output_max)
            thinks = THINK.draw(rng, calls) * self._slowdown
            name = f"agent-{self._number}-{session}"
            for index in range(first, calls):
                if index == first or rewritten[index]:
                    self._content += 1
                output = max(1, int(outputs[index]))
                tokens = max(1, int(lengths[index]))
                yield Call(
                    at_s,
                    self._number,
                    self._tenant,
                    name,
                    index,
                    calls,
                    index == first,
                    index == calls - 1,
                    self._system,
                    (self._content, tokens),
                    output,
                )
                at_s += float(thinks[index])

    def _session_calls(self, *, is_seen_long: bool) -> int:
        """`is_seen_long`: of a session that is met at some moment, so that long ones are met more."""
        over = figures.AGENT_CALLS
        median = over.median * (math.exp(over.sigma**2) if is_seen_long else 1)
        calls = int(self._rng.lognormal(math.log(median), over.sigma))
        return max(1, min(calls, figures.AGENT_CALLS_MAX))

    def _conversation(self, calls: int) -> tuple[Floats, NDArray[np.bool]]:
        """Its tokens at each call, and which calls find that it was rewritten. It begins anew, short,
        where it would outgrow the context."""
        rng = self._rng
        added = self._scale * _drawn(rng, figures.AGENT_ADDED_TOKENS, calls)
        added[0] = self._scale * float(_drawn(rng, figures.AGENT_FIRST_TOKENS, 1)[0])
        lengths = np.cumsum(added)
        room = self._dials.context_max - self._system[1] - self._output_max
        rounds = lengths // room
        rewritten = rng.random(calls) < figures.AGENT_REWRITTEN_PART
        rewritten[1:] |= rounds[1:] > rounds[:-1]
        return lengths - rounds * room, rewritten


def output_tokens_max(context_max: int) -> int:
    """Of any answer of the mix."""
    return min(figures.OUTPUT_TOKENS_MAX, context_max // 4)


def _drawn(rng: np.random.Generator, over: Lognormal, count: int) -> Floats:
    return rng.lognormal(math.log(over.median), over.sigma, count)

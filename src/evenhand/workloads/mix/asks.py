"""The asks of the mix, drawn a stretch of time after the other, so that a million take no memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from evenhand.model import TenantPath
from evenhand.workloads.ask import Ask, Segment
from evenhand.workloads.draws import Floats, stream
from evenhand.workloads.mix.agents import AgentDials, Call, Crew, output_tokens_max
from evenhand.workloads.mix.clients import Agents, Clients
from evenhand.workloads.mix.day import Clock
from evenhand.workloads.renewals import Owners, Renewals

_STRETCH_REQUESTS = 16_384
_UNIQUE = 1 << 61
"""Contents that occur once are numbered from here up."""
_NO_CALL_YET = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """All that is needed to draw. `per_second` of the clients, agents apart."""

    seed: int
    requests: int
    clients: Clients
    agents: Agents
    agent_dials: AgentDials
    per_second: float
    context_max: int
    is_day: bool

    def asks(self) -> Iterator[Ask]:
        """So many, in order of time. Alike each time."""
        return islice(_Drawing(self).asks(), self.requests)


class _Drawing:
    def __init__(self, mix: Mix) -> None:
        self._mix = mix
        self._clock = Clock(is_day=mix.is_day)
        self._crew = Crew(mix.seed, mix.agents, mix.agent_dials)
        self._rng = stream(mix.seed, "mix", "lengths")
        self._unique = _UNIQUE
        self._last_calls: dict[int, tuple[int, float]] = {}
        """Of each agent: its last ask, and when that was."""

    def asks(self) -> Iterator[Ask]:
        """Without end."""
        mix, crew = self._mix, self._crew
        renewals = Renewals(mix.clients.gaps, stream(mix.seed, "mix", "arrivals"))
        stretch_s = _STRETCH_REQUESTS / mix.per_second
        number, end_s = 0, 0.0
        while True:
            end_s += stretch_s
            moments, owners = renewals.until(end_s)
            for own_s, ask in zip(
                moments.tolist(), self._client_asks(moments, owners), strict=True
            ):
                while crew.head_s <= own_s:
                    yield self._agent_ask(number, crew.take())
                    number += 1
                ask.id = number
                yield ask
                number += 1
            while crew.head_s < end_s:
                yield self._agent_ask(number, crew.take())
                number += 1

    def _client_asks(self, moments: Floats, owners: Owners) -> Iterator[Ask]:
        """Of one stretch; their numbers are still to be given."""
        mix, rng, count = self._mix, self._rng, len(owners)
        clients, output_max = mix.clients, output_tokens_max(mix.context_max)
        inputs = _lengths(rng, clients.input_median, clients.input_sigma, owners)
        outputs = _lengths(rng, clients.output_median, clients.output_sigma, owners)
        # The first of a tenant's system prompts is used most.
        choices = rng.random(count) ** 2
        columns = zip(
            self._clock.ms(moments).tolist(),
            owners.tolist(),
            np.clip(inputs, 1, mix.context_max - output_max).astype(np.int64).tolist(),
            np.clip(outputs, 1, output_max).astype(np.int64).tolist(),
            choices.tolist(),
            strict=True,
        )
        for at_ms, owner, input_tokens, output_tokens, choice in columns:
            tenant, systems = clients.tenants[owner], clients.systems[owner]
            if systems:
                content, system_tokens = systems[int(choice * len(systems))]
                lengths = system_tokens, input_tokens, output_tokens
                yield self._chat(at_ms, tenant, content, lengths)
            else:
                yield Ask(
                    id=0,
                    at_ms=at_ms,
                    tenant=tenant,
                    input_tokens=input_tokens,
                    output_tokens=output_tokens,
                    application="api",
                )

    def _chat(
        self, at_ms: float, tenant: TenantPath, content: int, lengths: tuple[int, int, int]
    ) -> Ask:
        """`content` is its system prompt; no prompt is shorter than that."""
        system_tokens, input_tokens, output_tokens = lengths
        system_tokens = min(system_tokens, self._mix.context_max // 4)
        own_tokens = max(1, input_tokens - system_tokens)
        self._unique += 1
        return Ask(
            id=0,
            at_ms=at_ms,
            tenant=tenant,
            input_tokens=system_tokens + own_tokens,
            output_tokens=output_tokens,
            prompt=(Segment(content, system_tokens), Segment(self._unique, own_tokens)),
            application="chat",
            system_tokens=system_tokens,
        )

    def _agent_ask(self, number: int, call: Call) -> Ask:
        at_ms = float(self._clock.ms(call.at_s))
        before, before_ms = self._last_calls.get(call.agent, (_NO_CALL_YET, at_ms))
        self._last_calls[call.agent] = number, at_ms
        return Ask(
            id=number,
            at_ms=at_ms,
            tenant=call.tenant,
            input_tokens=call.system[1] + call.conversation[1],
            output_tokens=call.output_tokens,
            after=() if call.is_first else (before,),
            think_ms=0.0 if call.is_first else at_ms - before_ms,
            is_awaited=not call.is_last,
            prompt=(Segment(*call.system), Segment(*call.conversation)),
            application="agent",
            system_tokens=call.system[1],
            interaction=call.session,
            call_index=call.number,
            calls_total=call.calls,
        )


def _lengths(rng: np.random.Generator, median: Floats, sigma: Floats, owners: Owners) -> Floats:
    return median[owners] * np.exp(sigma[owners] * rng.standard_normal(len(owners)))

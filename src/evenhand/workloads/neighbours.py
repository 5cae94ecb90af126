"""The noisy neighbourhood: an interactive chat, a batch flood, and agents, on one small engine."""

from dataclasses import dataclass

from evenhand.workloads.sources import Chains, Flood, OpenLoop
from evenhand.workloads.spread import Spread

_CHAT_REQUESTS_MIN = 210
_CHAT_PER_SECOND_MIN = 5.0
# Above this the chat alone would take more than its third of the embedded engine.
_CHAT_PER_SECOND_MAX = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Three tenants with equal weights."""

    chat: OpenLoop
    batch: Flood
    agent: Chains

    @property
    def tenants(self) -> tuple[str, str, str]:
        """Their names, the victim of the noise first."""
        return (self.chat.tenant, self.batch.tenant, self.agent.tenant)


def neighbours(seconds: float) -> Neighbours:
    """The mix for a phase of `seconds`: 210 chat requests or more if it lasts 21 s or longer.

    Sized for the embedded engine on one core: the chat asks for a tenth of what the engine can do,
    the flood alone for all of it and a queue of seconds, the agents for about half of it.
    """
    per_second = _CHAT_REQUESTS_MIN / seconds
    return Neighbours(
        chat=OpenLoop(
            tenant="chat",
            per_second=min(max(per_second, _CHAT_PER_SECOND_MIN), _CHAT_PER_SECOND_MAX),
            prompt_words=Spread(8, 20),
            output_tokens=Spread(6, 12),
        ),
        batch=Flood(
            tenant="batch",
            outstanding=48,
            prompt_words=Spread(120, 240),
            output_tokens=Spread(20, 32),
        ),
        agent=Chains(
            tenant="agent",
            agents=8,
            calls=Spread(4, 6),
            first_words=Spread(50, 90),
            added_words=Spread(50, 90),
            output_tokens=Spread(12, 24),
            think_ms=Spread(50, 150),
        ),
    )

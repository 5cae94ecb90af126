"""Three ways in which clients ask: at random moments, as a flood, in chains."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

from evenhand.workloads.call import Arrival, Call, Message, Step
from evenhand.workloads.prose import prose
from evenhand.workloads.spread import Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLoop:
    """People who do not know of each other: a Poisson process, deaf to how the answers go."""

    tenant: str
    per_second: float
    prompt_words: Spread
    output_tokens: Spread

    def arrivals(self, *, seed: int, seconds: float) -> Iterator[Arrival]:
        """Exactly `per_second * seconds` calls (rounded) in order of time, all before the end.

        A Poisson process of which the count is known is so many independent uniform moments.
        """
        rng = random.Random(f"{seed} {self.tenant}")  # noqa: S311 - traffic, not secrets
        count = round(self.per_second * seconds)
        moments = sorted(rng.uniform(0, seconds) for _ in range(count))
        for number, at_s in enumerate(moments, start=1):
            text = prose(rng, title=f"{self.tenant} {number}:", words=self.prompt_words.pick(rng))
            call = Call(
                tenant=self.tenant,
                messages=(Message(role="user", text=text),),
                output_tokens_max=self.output_tokens.pick(rng),
            )
            yield Arrival(at_s=at_s, call=call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """A job that keeps `outstanding` calls under way: each answer is followed by the next call."""

    tenant: str
    outstanding: int
    prompt_words: Spread
    output_tokens: Spread

    def calls(self, *, seed: int) -> Iterator[Call]:
        """Calls without end; how many are taken is up to the engine."""
        rng = random.Random(f"{seed} {self.tenant}")  # noqa: S311 - traffic, not secrets
        for number in itertools.count(1):
            text = prose(rng, title=f"{self.tenant} {number}:", words=self.prompt_words.pick(rng))
            yield Call(
                tenant=self.tenant,
                messages=(Message(role="user", text=text),),
                output_tokens_max=self.output_tokens.pick(rng),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chains:
    """Agents that work in chains of calls: each call repeats all that was said and adds to it."""

    tenant: str
    agents: int
    calls: Spread
    """Calls of one chain."""
    first_words: Spread
    """The prompt that a chain begins with."""
    added_words: Spread
    """What each later call adds: the answer before it and a tool's result, scripted both."""
    output_tokens: Spread
    think_ms: Spread

    def steps(self, *, seed: int, agent: int) -> Iterator[Step]:
        """The endless work of one agent, chain after chain."""
        rng = random.Random(f"{seed} {self.tenant} {agent}")  # noqa: S311 - traffic, not secrets
        for chain in itertools.count(1):
            title = f"{self.tenant} {agent}.{chain}:"
            text = prose(rng, title=title, words=self.first_words.pick(rng))
            messages = [Message(role="user", text=text)]
            for number in range(self.calls.pick(rng)):
                if number:
                    messages += self._added(rng, number)
                call = Call(
                    tenant=self.tenant,
                    messages=tuple(messages),
                    output_tokens_max=self.output_tokens.pick(rng),
                )
                yield Step(think_s=self.think_ms.pick(rng) / 1000, call=call)

    def _added(self, rng: random.Random, number: int) -> list[Message]:
        words = self.added_words.pick(rng)
        said = words // 4
        return [
            Message(role="assistant", text=prose(rng, title=f"step {number}:", words=said)),
            Message(role="user", text=prose(rng, title=f"found {number}:", words=words - said)),
        ]

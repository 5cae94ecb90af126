"""The router of the VTC artifact written again as plainly as can be: one step at a time, lists, floats.

It charges as the artifact does, before each step, and a request's first token not at all.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evenhand.sim.profile import EngineProfile
from evenhand.workloads.ask import Ask

DECODES_BETWEEN_LOOKS = 10


class Times(NamedTuple):
    first_token_ms: float
    ended_ms: float


@dataclass
class Running:
    ask: Ask
    made: int = 1


class Router:
    """`is_fair`: the least counter goes first, lifted to the least other that waits; else by arrival."""

    def __init__(self, profile: EngineProfile, asks: Sequence[Ask], *, is_fair: bool) -> None:
        self.profile = profile
        self.coming = deque(sorted(asks, key=lambda ask: ask.at_ms))
        self.is_fair = is_fair
        self.now_ms = 0.0
        self.queues: dict[str, deque[Ask]] = {}
        self.counters: dict[str, float] = {}
        self.running: list[Running] = []
        self.first_ms: dict[int, float] = {}
        self.ended_ms: dict[int, float] = {}

    def run(self) -> dict[int, Times]:
        waited = 0
        while self.coming or self.running or any(self.queues.values()):
            self.receive()
            if not self.running or waited >= DECODES_BETWEEN_LOOKS:
                new = self.look()
                if new:
                    self.prefill(new)
                    waited = 0
                    continue
            if self.running:
                self.decode()
                waited += 1
            else:
                self.now_ms = max(self.now_ms, self.coming[0].at_ms)
        return {ask: Times(self.first_ms[ask], end) for ask, end in self.ended_ms.items()}

    def receive(self) -> None:
        while self.coming and self.coming[0].at_ms <= self.now_ms:
            ask = self.coming.popleft()
            client = ask.tenant[0] if self.is_fair else "all"
            queue = self.queues.setdefault(client, deque())
            self.counters.setdefault(client, 0.0)
            queue.append(ask)
            others = [self.counters[c] for c, q in self.queues.items() if q and c != client]
            if len(queue) == 1 and others:
                self.counters[client] = max(self.counters[client], min(others))

    def look(self) -> list[Ask]:
        new: list[Ask] = []
        held = [
            (r.ask.input_tokens + r.made, r.ask.output_tokens - r.made - 1) for r in self.running
        ]
        tenants = {r.ask.tenant for r in self.running}
        while waiting := [client for client, queue in self.queues.items() if queue]:
            client = min(waiting, key=lambda name: self.counters[name])
            ask = self.queues[client][0]
            held.append((ask.input_tokens + 1, ask.output_tokens - 1))
            tenants.add(ask.tenant)
            prompts = sum(a.input_tokens for a in new) + ask.input_tokens
            room = self.profile.kv_tokens - self.profile.tenant_tokens * len(tenants)
            if peak(held) >= room or prompts > self.profile.step_tokens_max:
                break
            if len(held) > self.profile.sequences_max:
                break
            new.append(self.queues[client].popleft())
            self.counters[client] += ask.input_tokens
        return new

    def prefill(self, new: list[Ask]) -> None:
        tokens = sum(ask.input_tokens for ask in new)
        self.now_ms += self.profile.step.prefill_apart_ms(tokens, len(new))
        for ask in new:
            self.first_ms[ask.id] = self.now_ms
            self.running.append(Running(ask))
        self.finish()

    def decode(self) -> None:
        context = sum(r.ask.input_tokens + r.made for r in self.running)
        self.now_ms += self.profile.step.decode_apart_ms(len(self.running), context)
        for request in self.running:
            self.counters[request.ask.tenant[0] if self.is_fair else "all"] += 2
            request.made += 1
        self.finish()

    def finish(self) -> None:
        for request in self.running:
            if request.made >= request.ask.output_tokens:
                self.ended_ms[request.ask.id] = self.now_ms
        self.running = [r for r in self.running if r.ask.id not in self.ended_ms]


def peak(held: Sequence[tuple[int, int]]) -> int:
    """The most tokens ever held by requests of so many tokens, with so many steps to go each."""
    most = total = 0
    for number, (tokens, left) in enumerate(sorted(held, key=lambda r: -r[1]), start=1):
        total += tokens
        most = max(most, left * number + total)
    return most

"""Who asks for what, beside whom."""

import math

from bench.gpu_transformers.figures import answering, fairness, served
from bench.gpu_transformers.rounds import Rounds
from bench.gpu_transformers.seen import Crowd
from bench.gpu_transformers.watched import register

SETTINGS = ("fifo", "fair", "paced")
"""The engine's own scheduler; the core with fair batches; the same with a target for times between
tokens."""
FLOOD_PACE, LONG_PACE = 3.0, 1.5
"""That target, over the time between tokens of ten short answers at once."""


def chat_beside_flood(rounds: Rounds, usual_ms: float) -> None:
    """Two short chats beside long prompts of a noisy tenant."""
    register(math.ceil(FLOOD_PACE * usual_ms))
    size = rounds.bench.size
    chat = Crowd(tenant="chat", clients=2, prompt=48, answer=8, think_s=0.1)
    noisy = Crowd(
        tenant="noisy", clients=size.noisy, prompt=size.noisy_prompt, answer=size.noisy_answer
    )
    for setting in ("alone", *SETTINGS):
        crowds = [chat] if setting == "alone" else [noisy, chat]
        seconds = size.seconds / 2 if setting == "alone" else size.seconds
        played = rounds.run("flood", setting, crowds, seconds)
        if played is not None:
            figures = {"chat": answering(played, "chat"), **served(played)}
            rounds.note("flood", setting, figures)


def full_queues(rounds: Rounds) -> None:
    """Two tenants with full queues, one with far more clients."""
    size = rounds.bench.size
    crowds = [
        Crowd(tenant=name, clients=clients, prompt=size.noisy_prompt, answer=size.noisy_answer // 2)
        for name, clients in (("many", size.noisy), ("few", size.noisy * 3 // 8))
    ]
    for setting in SETTINGS[:2]:
        played = rounds.run("queues", setting, crowds, size.seconds)
        if played is not None:
            rounds.note("queues", setting, {**fairness(played), **served(played)})


def chats_beside_long(rounds: Rounds, usual_ms: float) -> None:
    """Ten chats, and one very long prompt that comes in between."""
    register(math.ceil(LONG_PACE * usual_ms))
    size = rounds.bench.size
    chats = Crowd(tenant="chats", clients=10, prompt=48, answer=64)
    late_s = size.seconds / 8
    long = Crowd(tenant="long", clients=1, prompt=size.long_prompt, answer=256, from_s=late_s)
    for setting in ("alone", *SETTINGS):
        crowds = [chats] if setting == "alone" else [chats, long]
        played = rounds.run("long", setting, crowds, size.seconds)
        if played is not None:
            figures = {"chats": answering(played, "chats", since_s=late_s), **served(played)}
            if setting != "alone":
                figures["long"] = answering(played, "long")
            rounds.note("long", setting, figures)

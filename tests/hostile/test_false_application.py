"""A3: the application, which weighs a call under `wsc`, is the key's; juggling one's own gains nothing.

Advantage: weighted tokens served to an attacker over those of the same tenant behaving, same seeds.
"""

import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from heapq import heappop, heappush

import pytest

from evenhand.model import (
    ApplicationName,
    EngineName,
    ModelName,
    Outcome,
    Request,
    RequestId,
    Usage,
)
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare, TokenWeights, compose
from support.gateway import CHAT, KEY_A, Backend, Setup, gateway, identity
from support.on_loop import run_on_loop
from support.scripted_engine import ScriptedEngine

ITS_OWN = ApplicationName("chat")
FORGED = "batch"
NAMES = ["application", "x-application", "x-evenhand-application", "x-app-id", "x-title"]


def test_nothing_that_a_client_types_names_its_application() -> None:
    async def main() -> None:
        setup = Setup(keys={KEY_A: identity("a", application=ITS_OWN)}, policy=compose("wsc"))
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            await g.post(CHAT)
            for name in NAMES:
                await g.post(CHAT, headers={name: FORGED})
                await g.post({**CHAT, name: FORGED, "metadata": {name: FORGED}})
                await g.post(CHAT, path=f"/v1/chat/completions?{name}={FORGED}")
            records = await g.ended(1 + 3 * len(NAMES))
            completed = [r for r in records if r["outcome"] == "completed"]
            assert len(completed) == len(records)
            assert {(r["application"], r["units"]) for r in completed} == {
                (ITS_OWN, completed[0]["units"])
            }
            learned = g.scheduler._charges.cost._expectations._by_application  # type: ignore[attr-defined]
            assert set(learned) == {(ITS_OWN, "m")}

    run_on_loop(main)


Label = Callable[[int, int], str]
"""The application under which the attacker's call is sent, by its number and its tokens."""

SHORT, LONG = 20, 400
WEIGHTS = TokenWeights()
MODEL = ModelName("m")
WINDOW = 4
CALLS = 4_000
SEEDS = range(5)
NO_GAIN = Fraction(102, 100)


def served(
    label: Label, *, seed: int, configured: Mapping[ApplicationName, int] | None = None
) -> int:
    """Weighted tokens of the attacker in the time of so many calls, beside an honest tenant of the same
    habits; neither ever has enough. Calls come in bursts of short and of long ones."""
    tenants = tuple(TenantShare(name=name) for name in ("attacker", "honest"))
    scheduler = Scheduler(
        SchedulerSettings(
            tenants=tenants, policy=compose("wsc"), application_units=configured or {}
        )
    )
    scheduler.engine_changed(EngineName("e"), window=WINDOW, models=[MODEL])
    dice = {name: random.Random(f"{seed} {name}") for name in ("attacker", "honest")}
    count, units = dict.fromkeys(dice, 0), dict.fromkeys(dice, 0)
    ends: list[tuple[int, int, RequestId, str, int]] = []
    long_burst = dict.fromkeys(dice, False)

    def submit(name: str, now: int) -> None:
        count[name] += 1
        if dice[name].random() < 0.05:
            long_burst[name] = not long_burst[name]
        tokens = LONG if long_burst[name] else SHORT
        application = label(count[name], tokens) if name == "attacker" else "theirs"
        request = Request(
            id=RequestId(f"{name} {count[name]} {tokens}"),
            tenant=(name,),
            model=MODEL,
            body_bytes=1,
            prompt_tokens=tokens,
            queue_wait_ms_max=10**12,
            application=ApplicationName(application),
        )
        assert scheduler.submit(request, now).refused is None

    now = 0
    for name in dice:
        for _ in range(2 * WINDOW):
            submit(name, 0)
    for number in range(CALLS):
        while (start := scheduler.next(now)) is not None:
            (name,), tokens = start.request.tenant, start.request.prompt_tokens
            assert tokens is not None
            spent = WEIGHTS.of_tokens(tokens, tokens)
            heappush(ends, (now + spent, number, start.request.id, name, tokens))
            submit(name, now)
        now, _, request_id, name, tokens = heappop(ends)
        usage = Usage(tokens, tokens)
        units[name] += WEIGHTS.of(usage)
        scheduler.settle(request_id, usage, Outcome.COMPLETED, now)
    return units["attacker"] * 1_000_000 // now


@cache
def served_behaving(seed: int) -> int:
    return served(lambda *_: "mine", seed=seed)


def advantage(label: Label) -> Fraction:
    behaving = sum(served_behaving(seed) for seed in SEEDS)
    return Fraction(sum(served(label, seed=seed) for seed in SEEDS), behaving)


LABELS: dict[str, Label] = {
    "alternating": lambda number, _: f"mine{number % 2}",
    "short and long ones apart": lambda _, tokens: f"mine{tokens}",
    "swapped every hundred": lambda number, tokens: f"mine{(tokens == LONG) ^ (number // 100 % 2)}",
    "short ones where long ones were": lambda number, _: f"mine{number // 40 % 7}",
    "the honest one's": lambda *_: "theirs",
    "a hundred of its own": lambda number, _: f"mine{number % 100}",
}


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS.keys())
def test_juggling_applications_gains_nothing(label: Label) -> None:
    assert advantage(label) <= NO_GAIN


def test_control_who_could_name_a_dear_application_would_gain_by_it() -> None:
    """Why it is the key's: the tokens of an application that is expected to use much are cheap."""
    configured = {ApplicationName("huge"): 30 * WEIGHTS.of_tokens(LONG, LONG)}
    gain = Fraction(served(lambda *_: "huge", seed=0, configured=configured), served_behaving(0))
    assert gain > Fraction(3, 2)

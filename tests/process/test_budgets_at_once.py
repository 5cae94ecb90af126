"""However many first requests come at once, a hard budget for ten lets exactly ten pass.

`EVENHAND_BUDGET_REPETITIONS=100` is the number that is promised; fewer are run each time.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from evenhand.gateway.bookkeeping import BookingSettings
from evenhand.gateway.identity import Identity
from evenhand.ledger import Budget, BudgetRule, Period, Price, PriceBook
from evenhand.model import KeyId, ModelName
from evenhand.scheduling import TenantShare
from support.gateway import Backend, Setup, becomes, gateway, identity
from support.on_loop import run_on_loop
from support.raw_http import RawAnswer
from support.scripted_engine import Answer, ScriptedEngine

REPETITIONS = int(os.environ.get("EVENHAND_BUDGET_REPETITIONS", "8"))
AT_ONCE = 200
FOR_TEN: dict[str, Any] = {"model": "m", "prompt": list(range(10)), "max_tokens": 5}
"""At most 15 tokens, to the token."""
EUR = Price(currency="EUR", input=1_000_000_000, cached_input=0, output=2_000_000_000, request=500)
COSTS_NANO = 10 * 1_000 + 5 * 2_000 + 500
TOKENS = Budget(tokens_max=10 * 15 + 14)
MONEY = Budget(nano_max=10 * COSTS_NANO + COSTS_NANO - 1, currency="EUR")


@dataclass
class Turn:
    """One repetition: the keys that ask, by their secrets, and the rules over them."""

    keys: dict[str, Identity]
    rules: list[BudgetRule]


def of_a_key_for_life(limits: Budget, number: int) -> Turn:
    """As `limits` of a key has it."""
    key = identity(f"t{number}", key_id=KeyId(f"key_{number}"), budget=limits)
    return Turn({_secret(number, 0): _in(key, number, 0)}, [])


def of_a_key_each_month(limits: Budget, number: int) -> Turn:
    key_id = KeyId(f"key_{number}")
    rule = BudgetRule(key=key_id, period=Period.MONTH, limits=limits)
    return Turn({_secret(number, 0): _in(identity("t", key_id=key_id), number, 0)}, [rule])


def of_a_tenant_each_day(limits: Budget, number: int) -> Turn:
    """Two keys of two tenants beneath the one that has it."""
    keys = {
        _secret(number, child): _in(
            identity("t", key_id=KeyId(f"key_{number}_{child}")), number, child
        )
        for child in (0, 1)
    }
    rule = BudgetRule(tenant=(f"t{number}",), period=Period.DAY, limits=limits)
    return Turn(keys, [rule])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("limits", [TOKENS, MONEY], ids=["tokens", "money"])
@pytest.mark.parametrize("turn", [of_a_key_for_life, of_a_key_each_month, of_a_tenant_each_day])
def test_200_at_once_on_a_budget_for_10_and_exactly_10_pass(
    turn: Callable[[Budget, int], Turn], limits: Budget
) -> None:
    turns = [turn(limits, number) for number in range(REPETITIONS)]

    async def main() -> None:
        children = tuple(TenantShare(name=f"c{child}") for child in (0, 1))
        setup = Setup(
            keys={secret: key for one in turns for secret, key in one.keys.items()},
            tenants=tuple(
                TenantShare(name=f"t{number}", children=children) for number in range(REPETITIONS)
            ),
            booking=BookingSettings(prices=PriceBook.fixed({ModelName("m"): EUR})),
        )
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine, window=1_000), setup=setup) as g,
        ):
            rules = [rule for one in turns for rule in one.rules]
            g.keeper.books.budget_by(rules, g.keeper.wall_ms())
            engine.default = Answer(tokens=5, gated=True, prompt_tokens=10)
            for number, one in enumerate(turns, start=1):
                secrets = [*one.keys] * (AT_ONCE // len(one.keys))
                asked = [
                    asyncio.create_task(g.post(FOR_TEN, key=secret, path="/v1/completions"))
                    for secret in secrets
                ]
                await becomes(partial(_are_done, asked, AT_ONCE - 10))
                await engine.received(number * 10)
                for request in engine.requests[-10:]:
                    request.release()
                statuses = Counter([answer.status for answer in await asyncio.gather(*asked)])
                assert statuses == {200: 10, 429: AT_ONCE - 10}
                assert len(engine.requests) == number * 10

    run_on_loop(main, limit_s=590)


def _secret(number: int, child: int) -> str:
    return f"sk-test-key-number-{number:04d}-{child}-0123456789"


def _in(key: Identity, number: int, child: int) -> Identity:
    return Identity(
        key_id=key.key_id,
        tenant=(f"t{number}", f"c{child}"),
        application=key.application,
        trust_domain=key.trust_domain,
        lane=key.lane,
        queue_wait_ms_max=key.queue_wait_ms_max,
        budget=key.budget,
    )


def _are_done(tasks: list["asyncio.Task[RawAnswer]"], count: int) -> bool:
    return sum(task.done() for task in tasks) >= count

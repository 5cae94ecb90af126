"""Budgets of tenants and keys, period by period, and prices by time: what a client meets."""

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from evenhand.gateway.bookkeeping import BookingSettings, LowestLane
from evenhand.gateway.settings import CallLimits
from evenhand.ledger import (
    Budget,
    BudgetRule,
    BudgetStanding,
    Period,
    Price,
    PriceBook,
    PricedFrom,
)
from evenhand.model import LaneName, ModelName, Outcome
from evenhand.scheduling import Lane, TenantShare
from support.gateway import (
    KEY_A,
    KEY_B,
    Backend,
    RunningGateway,
    Setup,
    becomes,
    error_of,
    gateway,
    identity,
)
from support.ledger import Row, rows
from support.on_loop import run_on_loop
from support.raw_http import RawAnswer
from support.scripted_engine import Answer, ScriptedEngine

M = ModelName("m")
BODY: dict[str, Any] = {"model": "m", "prompt": list(range(10)), "max_tokens": 5}
"""At most 15 tokens, to the token."""
USES_12 = Answer(tokens=2, prompt_tokens=10)
NIGHT = datetime(2026, 11, 30, 23, 59, 0, tzinfo=UTC)
"""The last minute of a month, and of a Monday."""
EUR = Price(currency="EUR", input=1_000_000_000, cached_input=0, output=2_000_000_000)
USD = replace(EUR, currency="USD")
LANES = (Lane(name=LaneName("chat")), Lane(name=LaneName("batch")))
ORG = (
    TenantShare(name="org", children=(TenantShare(name="a"), TenantShare(name="b"))),
    TenantShare(name="b"),
)


def setup(**more: Any) -> Setup:
    """Two keys of two tenants beneath `org`."""
    keys = {
        KEY_A: replace(identity("a"), tenant=("org", "a"), lane=LaneName("chat")),
        KEY_B: replace(identity("b"), tenant=("org", "b"), lane=LaneName("chat")),
    }
    booking = BookingSettings(lowest_lane=LowestLane(LaneName("batch"), 30_000))
    return replace(Setup(keys=keys, tenants=ORG, lanes=LANES, booking=booking), **more)


class Clock:
    """The wall clock of one gateway."""

    def __init__(self, g: RunningGateway, moment: datetime = NIGHT) -> None:
        self.moment = moment
        g.keeper.wall_ms = self

    def __call__(self) -> int:
        return int(self.moment.timestamp() * 1000)

    def passes(self, **how_long: float) -> None:
        self.moment += timedelta(**how_long)


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[ScriptedEngine]:
    """An engine that always answers so."""
    async with ScriptedEngine() as engine:
        engine.default = answer
        yield engine


def running(
    engine: ScriptedEngine, using: Setup | None = None
) -> AbstractAsyncContextManager[RunningGateway]:
    return gateway(Backend(engine), setup=using or setup())


def of_org(period: Period, *, is_hard: bool = True, **limits: Any) -> BudgetRule:
    return BudgetRule(tenant=("org",), period=period, limits=Budget(**limits), is_hard=is_hard)


async def ask(g: RunningGateway, key: str = KEY_A, **more: Any) -> RawAnswer:
    return await g.post({**BODY, **more}, key=key, path="/v1/completions")


async def written(g: RunningGateway, kind: str, count: int) -> list[Row]:
    """The transfers of that kind, once so many are on disk."""
    query = f"SELECT * FROM transfer WHERE kind = '{kind}' ORDER BY id"
    await becomes(lambda: len(rows(g.database, query)) >= count)
    return rows(g.database, query)


def standing(g: RunningGateway) -> BudgetStanding:
    (found,) = g.keeper.budgets()
    return found


def test_a_tenants_budget_counts_all_beneath_it_and_begins_anew_at_midnight() -> None:
    async def main() -> None:
        async with answering(USES_12) as engine, running(engine) as g:
            clock = Clock(g)
            g.keeper.books.budget_by([of_org(Period.DAY, tokens_max=30)], clock())
            statuses = [(await ask(g, key)).status for key in (KEY_A, KEY_B)]
            assert statuses == [200, 200]
            refused = await ask(g, KEY_B)
            assert refused.status == 429
            assert error_of(refused)["code"] == "budget_exhausted"
            message = error_of(refused)["message"]
            assert "the budget of the tenant org has no room" in message
            assert "24" not in message, "what a sibling used is among it"
            assert "It begins anew at 2026-12-01 00:00 UTC" in message
            assert refused.headers["x-should-retry"] == "false"
            assert refused.headers["retry-after"] == "60", "that is when it fits"
            clock.passes(minutes=1)
            assert (await ask(g, KEY_B)).status == 200
            assert standing(g).spent.posted_tokens == 12

    run_on_loop(main)


def test_what_was_held_before_midnight_settles_in_the_day_before() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, running(engine) as g:
            clock = Clock(g)
            g.keeper.books.budget_by([of_org(Period.DAY, tokens_max=15)], clock())
            engine.default = Answer(tokens=2, prompt_tokens=10, gated=True)
            stream = await g.stream(BODY, path="/v1/completions")
            request = await engine.received(1)
            assert standing(g).spent.held_tokens == 15
            clock.passes(minutes=2)
            assert standing(g).spent.held_tokens == 0
            request.release()
            assert (await stream.answer()).status == 200
            await written(g, "settle", 1)
            assert standing(g).spent.posted_tokens == 0
            assert rows(g.database, "SELECT day FROM account_day") == [
                {"day": (NIGHT - datetime(1970, 1, 1, tzinfo=UTC)).days}
            ]

    run_on_loop(main)


def test_a_retry_after_is_told_only_where_it_is_true() -> None:
    async def main() -> None:
        async with answering(USES_12) as engine, running(engine) as g:
            clock = Clock(g)
            for rule in (of_org(Period.TOTAL, tokens_max=20), of_org(Period.WEEK, tokens_max=14)):
                g.keeper.books.budget_by([rule], clock())
                answers = [await ask(g, max_tokens=4), await ask(g)]
                assert answers[1].status == 429
                assert "retry-after" not in answers[1].headers
            month = of_org(Period.MONTH, tokens_max=20)
            g.keeper.books.budget_by([of_org(Period.WEEK, tokens_max=20), month], clock())
            assert (await ask(g)).headers["retry-after"] == str(6 * 86_400 + 60), "the later one"

    run_on_loop(main)


def test_under_a_tenants_hard_budget_nothing_is_without_a_bound() -> None:
    async def main() -> None:
        using = setup(limits=CallLimits(output_tokens_default=3))
        async with answering(Answer(tokens=9)) as engine, running(engine, using) as g:
            clock = Clock(g)
            body = {name: value for name, value in BODY.items() if name != "max_tokens"}
            for rules, sent in (
                ([of_org(Period.DAY, tokens_max=1_000)], body | {"max_tokens": 3}),
                ([of_org(Period.DAY, tokens_max=1_000, is_hard=False)], body),
            ):
                g.keeper.books.budget_by(rules, clock())
                assert (await g.post(body, path="/v1/completions")).status == 200
                assert engine.requests[-1].json == sent

    run_on_loop(main)


def test_beyond_a_soft_budget_requests_take_the_lowest_lane_and_are_flagged() -> None:
    async def main() -> None:
        async with answering(USES_12) as engine, running(engine) as g:
            clock = Clock(g)
            rule = of_org(Period.DAY, tokens_max=20, is_hard=False)
            g.keeper.books.budget_by([rule], clock())
            answers = [await ask(g), await ask(g), await ask(g, stream=True)]
            assert [answer.status for answer in answers] == [200, 200, 200]
            flags = [answer.headers.get("x-evenhand-budget") for answer in answers]
            assert flags == [None, "soft-exceeded", "soft-exceeded"]
            records = await g.ended(3)
            assert [record["lane"] for record in records] == ["chat", "batch", "batch"]
            assert [record["is_over_budget"] for record in records] == [False, True, True]
            came = [event.arguments["request"] for event in g.calls if "request" in event.arguments]
            assert [getattr(request, "lane", None) for request in came] == [
                "chat",
                "batch",
                "batch",
            ]
            assert g.keeper.soft_exceeded == 2
            await becomes(lambda: len(_flags_in_log(g)) == 3)
            assert _flags_in_log(g) == [False, True, True]

    run_on_loop(main)


def test_a_new_budget_counts_what_its_period_has_already_come_to() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, running(engine) as g:
            clock = Clock(g)
            engine.default = USES_12
            clock.moment -= timedelta(days=3)
            assert (await ask(g)).status == 200
            clock.moment += timedelta(days=3)
            assert (await ask(g)).status == 200
            engine.default = Answer(tokens=2, prompt_tokens=10, gated=True)
            stream = await g.stream(BODY, path="/v1/completions")
            request = await engine.received(3)
            for period, posted in ((Period.DAY, 12), (Period.MONTH, 24), (Period.TOTAL, 24)):
                g.keeper.books.budget_by([of_org(period, tokens_max=10**6)], clock())
                spent = standing(g).spent
                assert (spent.posted_tokens, spent.held_tokens) == (posted, 15)
            request.release()
            await stream.answer()
            await g.at_rest()
            spent = standing(g).spent
            assert (spent.posted_tokens, spent.held_tokens) == (36, 0), (
                "what was open settles there"
            )

    run_on_loop(main)


def test_a_model_without_a_price_and_another_currency_are_refused_with_words() -> None:
    async def main() -> None:
        book = PriceBook({M: [PricedFrom(int(NIGHT.timestamp() * 1000), USD)]})
        using = setup(booking=BookingSettings(prices=book))
        async with answering(USES_12) as engine, running(engine, using) as g:
            clock = Clock(g, NIGHT - timedelta(seconds=1))
            early = await ask(g)
            assert (early.status, error_of(early)["code"]) == (503, "not_priceable")
            assert "has no price" in error_of(early)["message"]
            assert early.headers["x-should-retry"] == "false"
            clock.passes(seconds=1)
            assert (await ask(g)).status == 200
            rule = of_org(Period.DAY, nano_max=10**9, currency="EUR")
            g.keeper.books.budget_by([rule], clock())
            other = await ask(g)
            assert (other.status, error_of(other)["code"]) == (503, "not_priceable")
            assert (
                "priced in USD, and a budget over this key counts EUR" in error_of(other)["message"]
            )
            outcomes = [record["outcome"] for record in await g.ended(3)]
            assert outcomes == [Outcome.NOT_PRICEABLE, Outcome.COMPLETED, Outcome.NOT_PRICEABLE]

    run_on_loop(main)


def test_a_price_is_pinned_when_it_is_held_and_changes_on_its_date() -> None:
    async def main() -> None:
        dearer = replace(EUR, input=5_000_000_000, request=7)
        midnight = int((NIGHT + timedelta(minutes=1)).timestamp() * 1000)
        book = PriceBook({M: [PricedFrom(midnight, dearer), PricedFrom(0, EUR)]})
        using = setup(booking=BookingSettings(prices=book))
        async with ScriptedEngine() as engine, running(engine, using) as g:
            clock = Clock(g)
            engine.default = Answer(tokens=5, prompt_tokens=10, gated=True)
            streams = [await g.stream(BODY, path="/v1/completions")]
            await engine.received(1)
            clock.passes(minutes=1)
            streams.append(await g.stream(BODY, path="/v1/completions"))
            await engine.received(2)
            g.keeper.price_by(PriceBook.fixed({M: replace(EUR, input=0)}))
            streams.append(await g.stream(BODY, path="/v1/completions"))
            await engine.received(3)
            for request, stream in zip(engine.requests, streams, strict=True):
                request.release()
                assert (await stream.answer()).status == 200
            paid = [row["nano"] for row in await written(g, "settle", 3)]
            assert sorted(paid) == sorted([20_000, 60_007, 10_000])

    run_on_loop(main)


def test_reasoning_has_its_own_price_streamed_or_not() -> None:
    async def main() -> None:
        price = replace(EUR, reasoning=7_000_000_000)
        using = setup(booking=BookingSettings(prices=PriceBook.fixed({M: price})))
        async with ScriptedEngine() as engine, running(engine, using) as g:
            engine.default = Answer(tokens=5, prompt_tokens=10, reasoning_tokens=3)
            for is_stream in (False, True):
                assert (await ask(g, stream=is_stream)).status == 200
            records = await g.ended(2)
            assert [record["reasoning_tokens"] for record in records] == [3, 3]
            settled = await written(g, "settle", 2)
            assert [row["reasoning_tokens"] for row in settled] == [3, 3]
            assert [row["nano"] for row in settled] == [10_000 + 2 * 2_000 + 3 * 7_000] * 2

    run_on_loop(main)


def test_gpu_seconds_are_posted_when_they_are_known() -> None:
    async def main() -> None:
        price = replace(EUR, gpu_second=2_000_000_000)
        using = setup(booking=BookingSettings(prices=PriceBook.fixed({M: price})))
        async with answering(USES_12) as engine, running(engine, using) as g:
            assert (await ask(g)).status == 200
            g.gpu.close_stretches()
            (posted,) = await written(g, "gpu_time", 1)
            assert posted["gpu_us"] > 0
            assert posted["nano"] == posted["gpu_us"] * 2_000

    run_on_loop(main)


def _flags_in_log(g: RunningGateway) -> list[bool]:
    lines = map(json.loads, b"".join(g.lines).splitlines())
    return [line["is_over_budget"] for line in lines if "is_over_budget" in line]

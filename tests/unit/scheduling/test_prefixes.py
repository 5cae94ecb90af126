"""What is believed of caches: who is told of a gain, when something may be lost, a full index."""

import random

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TrustDomain, Usage
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare, compose
from evenhand.scheduling.prefixes import Prefixes

E, F = EngineName("e"), EngineName("f")
MODEL = ModelName("m")


def request(prefix: bytes, name: str = "r", domain: str = "") -> Request:
    return Request(
        id=RequestId(name),
        tenant=("a",),
        model=MODEL,
        body_bytes=1,
        prompt_tokens=100,
        queue_wait_ms_max=10**9,
        prefix=prefix,
        trust_domain=TrustDomain(domain),
    )


def test_a_start_tells_what_was_cached_and_who_gained() -> None:
    prefixes, gains = Prefixes(1 << 20), []
    prefixes.listen(lambda *gain: gains.append(gain))
    assert prefixes.started(request(b"abcd"), E, 100) == 0
    assert prefixes.started(request(b"abxy"), E, 100) == 50
    assert prefixes.started(request(b"ab"), E, 100) == 100
    assert prefixes.started(request(b"abcd"), F, 100) == 0
    assert gains == [("", E, b"abcd", 0), ("", E, b"abxy", 2), ("", F, b"abcd", 0)]
    assert prefixes.longest(request(b"abcz")) == (3, (E, F))
    assert prefixes.matched_by_engine(request(b"abxz")) == {E: 3, F: 2}


def test_an_empty_prefix_matches_nothing_and_gains_nothing() -> None:
    prefixes = Prefixes(1 << 20)
    assert prefixes.started(request(b""), E, 100) == 0
    assert prefixes.started(request(b""), E, 100) == 0
    assert prefixes.longest(request(b"")) == (0, ())


def test_whatever_may_have_been_lost_counts_as_a_loss() -> None:
    prefixes = Prefixes(2_000)
    prefixes.started(request(b"a" * 100), E, 1)
    assert prefixes.losses == 0
    prefixes.started(request(b"b" * 1_500), E, 1)
    assert prefixes.losses == 1
    assert prefixes.matched(request(b"a" * 100), E) == 0, "the least recently used made room"
    prefixes.evicted(TrustDomain(""), E, b"b")
    prefixes.forget(F)
    assert prefixes.losses == 3


def test_what_is_told_of_a_prefix_that_is_too_long_is_what_is_remembered() -> None:
    prefixes, gains = Prefixes(1_000), []
    prefixes.listen(lambda *gain: gains.append(gain))
    prefixes.started(request(b"a" * 5_000), E, 1)
    ((_, _, told, _),) = gains
    assert len(told) == prefixes.matched(request(b"a" * 5_000), E) < 1_000


def test_the_longest_match_goes_first_also_while_the_index_forgets() -> None:
    dice = random.Random(1)
    scheduler = Scheduler(
        SchedulerSettings(
            tenants=(TenantShare(name="a"),),
            policy=compose("lpm", settings={"prefix_index_mib": 1, "prefix_age_s": 86_400}),
        )
    )
    scheduler.engine_changed(E, window=1, models=[MODEL])
    prefixes = scheduler.prefixes
    assert prefixes is not None
    texts = [dice.randbytes(60_000) for _ in range(40)]
    waiting: dict[RequestId, Request] = {}
    for count in range(1_000):
        text, length = dice.choice(texts), dice.choice([1_000, 30_000, 60_000])
        arrived = request(text[:length], f"r{count}")
        scheduler.submit(arrived, 0)
        waiting[arrived.id] = arrived
        if len(waiting) < 30:
            continue
        longest = max(prefixes.matched(each, E) for each in waiting.values())
        start = scheduler.next(0)
        assert start is not None
        cached = scheduler._tickets[start.request.id].cached_tokens
        assert cached == 100 * longest // len(start.request.prefix)
        del waiting[start.request.id]
        usage = Usage(100, 1, cached)
        scheduler.settle(start.request.id, usage, Outcome.COMPLETED, 0)
    assert prefixes.losses > 100

"""Placements that go by prefixes: cache-aware and Preble's E2, case by case."""

from evenhand.model import EngineName
from evenhand.scheduling import TokenWeights
from evenhand.scheduling.placement.cache_aware import CacheAware
from evenhand.scheduling.placement.preble import Preble
from evenhand.scheduling.prefixes import Prefixes
from support.placing import Placing, blocks, engines

COST = TokenWeights(input=10, cached_input=1, output=20)


def cache_aware(
    match_percent_min: int = 50, imbalance_requests: int = 2, imbalance_percent: int = 150
) -> Placing:
    prefixes = Prefixes(1 << 20)
    rule = CacheAware(
        prefixes,
        match_percent_min=match_percent_min,
        imbalance_requests=imbalance_requests,
        imbalance_percent=imbalance_percent,
    )
    return Placing(rule, prefixes)


def preble(
    window_requests: int = 100, rebalance_percent: int = 150, rebalance_tokens_min: int = 0
) -> Placing:
    prefixes = Prefixes(1 << 20)
    rule = Preble(
        prefixes,
        COST,
        window_requests=window_requests,
        rebalance_percent=rebalance_percent,
        rebalance_tokens_min=rebalance_tokens_min,
    )
    return Placing(rule, prefixes)


# Cache-aware.


def test_a_held_beginning_attracts() -> None:
    placing, ab = cache_aware(), engines("ab")
    placing.start_at(placing.ticket(prefix=blocks("xy")), "b")
    assert placing.choose(placing.ticket(prefix=blocks("xyz")), ab) == "b"


def test_too_small_a_part_does_not() -> None:
    placing, ab = cache_aware(match_percent_min=50), engines("ab")
    placing.start_at(placing.ticket(prefix=blocks("x")), "b")
    assert placing.choose(placing.ticket(prefix=blocks("xy")), ab) == "b"
    assert placing.choose(placing.ticket(prefix=blocks("xyz")), ab) == "a"


def test_unevenness_beyond_both_thresholds_outweighs_affinity() -> None:
    placing, ab = cache_aware(imbalance_requests=2, imbalance_percent=150), engines("ab")
    for _ in range(2):
        placing.start_at(placing.ticket(prefix=blocks("xy")), "b")
    assert placing.choose(placing.ticket(prefix=blocks("xy")), ab) == "b", "2 to 0: not more than 2"
    placing.start_at(placing.ticket(prefix=blocks("xy")), "b")
    assert placing.choose(placing.ticket(prefix=blocks("xy")), ab) == "a", "3 to 0"


def test_unevenness_beyond_one_threshold_does_not() -> None:
    placing, ab = cache_aware(imbalance_requests=2, imbalance_percent=150), engines("ab")
    for _ in range(9):
        placing.start_at(placing.ticket(prefix=blocks("xy")), "b")
    for _ in range(6):
        placing.start_at(placing.ticket(), "a")
    assert placing.choose(placing.ticket(prefix=blocks("xy")), ab) == "b", "9 to 6 is 150 %"


def test_among_equal_holders_the_least_outstanding_goes() -> None:
    placing, abc = cache_aware(), engines("abc")
    placing.start_at(placing.ticket(prefix=blocks("xy"), tokens=500), "b")
    placing.start_at(placing.ticket(prefix=blocks("xy"), tokens=400), "c")
    assert placing.choose(placing.ticket(prefix=blocks("xy")), abc) == "c"


def test_a_prompt_that_waits_attracts_as_one_that_is_held() -> None:
    """As the published dispatchers, which note a prefix when they send it on."""
    for placing in (cache_aware(), preble(rebalance_tokens_min=10**6)):
        ab = engines("ab")
        first = placing.ticket(prefix=blocks("xy"))
        assert placing.wait(first, ab) == "a"
        assert placing.wait(placing.ticket(prefix=blocks("xyz")), ab) == "a"
        assert placing.wait(placing.ticket(prefix=blocks("q")), ab) == "b"


# Preble's E2.


def test_preble_exploits_when_more_is_matched_than_not() -> None:
    placing, ab = preble(rebalance_tokens_min=10**6), engines("ab")
    placing.start_at(placing.ticket(prefix=blocks("xy")), "b")
    assert placing.choose(placing.ticket(prefix=blocks("xyz")), ab) == "b"


def test_preble_explores_when_no_more_is_matched_than_not() -> None:
    placing, ab = preble(rebalance_tokens_min=10**6), engines("ab")
    placing.start_at(placing.ticket(prefix=blocks("xy"), tokens=100), "b")
    # b has 1000 units and would save half of 1000: 1500 against 1000.
    assert placing.choose(placing.ticket(prefix=blocks("xypq"), tokens=100), ab) == "a"


def test_exploring_weighs_the_prefill_that_is_saved_against_the_load() -> None:
    placing, ab = preble(rebalance_tokens_min=10**6), engines("ab")
    placing.start_at(placing.ticket(prefix=blocks("xy"), tokens=100), "b")
    # 1000 + 5000 at b against 10000 at a.
    assert placing.choose(placing.ticket(prefix=blocks("xypq"), tokens=1_000), ab) == "b"


def test_preble_counts_decoding_as_predicted_and_then_as_it_was() -> None:
    for produced, cheaper in ((69, "a"), (71, "b")):
        placing, ab = preble(), engines("ab")
        talker = placing.ticket(tokens=10, output=100)
        assert placing.start(talker, ab) == "a", "100 + 2000 units"
        assert placing.start(placing.ticket(tokens=150), ab) == "b", "1500 units"
        assert placing.choose(placing.ticket(), ab) == "b"
        placing.end(talker, output_tokens=produced)
        assert placing.choose(placing.ticket(), ab) == cheaper, "1480 or 1520, and in the window"


def test_preble_takes_the_cheapest_of_several_holders() -> None:
    placing, abc = preble(rebalance_tokens_min=10**6), engines("abc")
    placing.start_at(placing.ticket(prefix=blocks("xy"), tokens=200), "b")
    placing.start_at(placing.ticket(prefix=blocks("xy"), tokens=100), "c")
    assert placing.choose(placing.ticket(prefix=blocks("xyz")), abc) == "c"


def test_the_dearest_engine_gives_work_away_from_one_and_a_half_times_the_cheapest_on() -> None:
    placing, ab = preble(rebalance_percent=150), engines("ab")
    placing.start_at(placing.ticket(prefix=blocks("xy"), tokens=149), "b")
    placing.start_at(placing.ticket(tokens=100), "a")
    assert placing.choose(placing.ticket(prefix=blocks("xyz")), ab) == "b"
    placing.start_at(placing.ticket(tokens=1), "b")
    assert placing.choose(placing.ticket(prefix=blocks("xyz")), ab) == "a"


def test_but_not_for_a_small_difference() -> None:
    placing, ab = preble(rebalance_tokens_min=101), engines("ab")
    placing.start_at(placing.ticket(prefix=blocks("xy"), tokens=100), "b")
    assert placing.choose(placing.ticket(prefix=blocks("xyz")), ab) == "b"


def test_what_is_older_than_the_window_costs_nothing() -> None:
    placing, ab = preble(window_requests=2), engines("ab")
    old = placing.ticket(tokens=10_000)
    placing.start_at(old, "a")
    for _ in range(2):
        placing.start_at(placing.ticket(tokens=10), "b")
    assert placing.choose(placing.ticket(), ab) == "a"
    placing.end(old, output_tokens=9_999)
    assert placing.choose(placing.ticket(), ab) == "a"


def test_an_evicted_prefix_attracts_no_more() -> None:
    for placing in (cache_aware(), preble(rebalance_tokens_min=10**6)):
        ab = engines("ab")
        placing.start_at(placing.ticket(prefix=blocks("xy")), "b")
        assert placing.prefixes is not None
        placing.prefixes.forget(EngineName("b"))
        assert placing.choose(placing.ticket(prefix=blocks("xy")), ab) == "a"

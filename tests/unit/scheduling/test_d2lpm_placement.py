"""D2LPM: near the prefix while the tenant's quantum there lasts, elsewhere when it is used up."""

from collections import Counter

from evenhand.scheduling import TokenWeights
from evenhand.scheduling.placement.d2lpm import D2lpm
from evenhand.scheduling.placement.engine_quanta import EngineQuanta
from evenhand.scheduling.prefixes import Prefixes
from support.placing import Placing, blocks, engines

COST = TokenWeights(input=10, cached_input=1, output=20)


def d2lpm(engine_quantum_tokens: int = 300) -> Placing:
    prefixes = Prefixes(1 << 20)
    return Placing(D2lpm(prefixes, COST, engine_quantum_tokens=engine_quantum_tokens), prefixes)


def finished(placing: Placing, names: str, **what: object) -> str:
    """Where one goes that then ends at once."""
    ticket = placing.ticket(**what)  # type: ignore[arg-type]
    name = placing.start(ticket, engines(names))
    placing.end(ticket)
    return name


def test_a_tenant_stays_near_its_prefix_until_its_quantum_there_is_used_up() -> None:
    placing = d2lpm(engine_quantum_tokens=300)
    placing.start_at(placing.ticket(tenant="other", prefix=blocks("xy")), "b")
    order = "".join(finished(placing, "abc", tokens=100, prefix=blocks("xy")) for _ in range(9))
    # 3 at b, then at a, which is idle and holds it from then on; then c; then all have a new quantum.
    assert order == "bbbaaaccc"


def test_without_an_end_of_quantum_all_stays_at_one_engine() -> None:
    """A.5 of the paper: pure locality is not balanced."""
    placing = d2lpm(engine_quantum_tokens=1 << 40)
    order = Counter(finished(placing, "abc", prefix=blocks("xy")) for _ in range(1_000))
    assert order == {"a": 1_000}
    balanced = d2lpm(engine_quantum_tokens=1_000)
    counts = Counter(finished(balanced, "abc", prefix=blocks("xy")) for _ in range(1_000))
    assert max(counts.values()) - min(counts.values()) <= 10, "one quantum"


def test_the_quantum_of_one_tenant_is_not_used_up_by_another() -> None:
    placing = d2lpm(engine_quantum_tokens=300)
    for _ in range(3):
        assert finished(placing, "ab", tenant="noisy", prefix=blocks("xy")) == "a"
    assert finished(placing, "ab", tenant="noisy", prefix=blocks("xy")) == "b"
    assert finished(placing, "ab", tenant="quiet", prefix=blocks("xyz")) == "a"


def test_cached_input_uses_up_the_quantum_all_the_same() -> None:
    placing = d2lpm(engine_quantum_tokens=300)
    order = "".join(finished(placing, "ab", tokens=100, prefix=blocks("xyz")) for _ in range(4))
    assert order == "aaab"


def test_output_uses_it_up_at_the_end() -> None:
    placing, ab = d2lpm(engine_quantum_tokens=300), engines("ab")
    ticket = placing.ticket(tokens=100, prefix=blocks("xy"))
    placing.start(ticket, ab)
    assert placing.choose(placing.ticket(prefix=blocks("xy")), ab) == "a"
    placing.end(ticket, output_tokens=100)  # 1000 + 2000 units
    assert placing.choose(placing.ticket(prefix=blocks("xy")), ab) == "b"


def test_what_waits_near_an_engine_uses_it_up_and_gives_it_back_when_taken_elsewhere() -> None:
    placing, ab = d2lpm(engine_quantum_tokens=200), engines("ab")
    waiting = [placing.ticket(prefix=blocks("xy")) for _ in range(2)]
    assert [placing.wait(ticket, ab) for ticket in waiting] == ["a", "a"]
    assert placing.choose(placing.ticket(prefix=blocks("xy")), ab) == "b"
    placing.placement.unqueued(waiting[0])
    placing.start_at(waiting[0], "b")
    assert placing.choose(placing.ticket(prefix=blocks("xy")), ab) == "a"


def test_a_heavier_tenant_has_a_larger_quantum() -> None:
    placing = d2lpm(engine_quantum_tokens=300)
    placing.leaf("t").weight = 2
    order = "".join(finished(placing, "ab", prefix=blocks("xy")) for _ in range(8))
    assert order == "aaaaaabb"


def test_among_eligible_engines_without_a_match_the_least_outstanding_goes() -> None:
    placing, abc = d2lpm(), engines("abc")
    placing.start_at(placing.ticket(tenant="other", tokens=200), "a")
    placing.start_at(placing.ticket(tenant="other", tokens=100), "b")
    placing.start_at(placing.ticket(tenant="other", tokens=300), "c")
    assert placing.choose(placing.ticket(prefix=blocks("xy")), abc) == "b"


def test_a_debt_takes_as_many_quanta_as_it_needs_at_once() -> None:
    quanta = EngineQuanta()
    for name in ("a", "b"):
        quanta.charge(name, 1_000, 100)  # type: ignore[arg-type]
    quanta.charge("b", 50, 100)  # type: ignore[arg-type]
    assert quanta.eligible(["a", "b"], 100) == {"a", "b"}  # type: ignore[list-item]
    assert quanta.left("a", 100) == 100  # type: ignore[arg-type]
    assert quanta.left("b", 100) == 50  # type: ignore[arg-type]


def test_who_joins_or_was_away_has_one_quantum_and_no_more() -> None:
    placing = d2lpm(engine_quantum_tokens=300)
    for _ in range(100):
        finished(placing, "ab", prefix=blocks("xy"))
    order = "".join(finished(placing, "abc", prefix=blocks("q")) for _ in range(30))
    assert order.count("c") <= 12, "a third, and one quantum"


def test_forgotten_tenants_leave_nothing_behind() -> None:
    placing = d2lpm()
    for number in range(50):
        finished(placing, "ab", tenant=str(number))
        placing.placement.forget(placing.leaf(str(number)))
    rule = placing.placement
    assert isinstance(rule, D2lpm)
    assert not rule._quanta
    assert not rule._outstanding._counted

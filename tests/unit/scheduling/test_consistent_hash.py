"""Consistent hashing: equal keys together, little moves, nobody is overrun."""

import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from evenhand.scheduling.placement.consistent_hash import ConsistentHash
from evenhand.scheduling.placement.stable_hash import hash_of
from support.placing import Placing, engines

KEYS = [f"talk {number}" for number in range(3_000)]


def placing(load_percent_max: int = 10_000) -> Placing:
    return Placing(ConsistentHash(key_bytes=16, load_percent_max=load_percent_max))


def places(names: str) -> dict[str, str]:
    """Where each interaction goes, on idle engines."""
    place, there = placing(), engines(names)
    return {key: place.choose(place.ticket(interaction=key), there) for key in KEYS}


def test_an_id_that_was_made_for_one_call_has_no_say() -> None:
    place, there = placing(), engines("abcdefgh")
    chosen = set()
    for number in range(20):
        ticket = place.ticket(interaction=f"i{number}", prefix=b"the same")
        ticket.request = replace(ticket.request, interaction_is_new=True)
        chosen.add(place.choose(ticket, there))
    assert len(chosen) == 1


def test_an_interaction_stays_where_it_is_whatever_its_prompts() -> None:
    place, there = placing(), engines("abcd")
    chosen = {
        place.choose(place.ticket(interaction="i", prefix=bytes([n]) * 99), there)
        for n in range(50)
    }
    assert len(chosen) == 1


def test_equal_beginnings_go_together_and_the_rest_does_not_matter() -> None:
    place, there = placing(), engines("abcd")
    chosen = {place.choose(place.ticket(prefix=b"x" * 16 + bytes([n])), there) for n in range(50)}
    assert len(chosen) == 1


def test_equal_beginnings_of_two_trust_domains_are_two_keys() -> None:
    rule = ConsistentHash(key_bytes=16, load_percent_max=200)
    place = Placing(rule)
    one = place.ticket(prefix=b"x" * 16, trust_domain="one").request
    two = place.ticket(prefix=b"x" * 16, trust_domain="two").request
    assert rule.key(one) != rule.key(two)


def test_without_more_the_tenant_is_the_key() -> None:
    place, there = placing(), engines("abcd")
    assert len({place.choose(place.ticket(tenant="one"), there) for _ in range(20)}) == 1
    assert len({place.choose(place.ticket(tenant=str(n)), there) for n in range(50)}) == 4


def test_keys_spread_evenly() -> None:
    counts = Counter(places("abcd").values())
    assert all(abs(count - len(KEYS) // 4) < len(KEYS) // 20 for count in counts.values())


@pytest.mark.parametrize("joins", ["e", "0", "bz"])
def test_who_joins_or_leaves_moves_its_own_part_only(joins: str) -> None:
    names = "acd"
    before, after = places(names), places("".join(sorted(names + joins)))
    moved = [key for key in KEYS if before[key] != after[key]]
    assert all(after[key] in joins for key in moved), "between others nothing moves"
    share = len(KEYS) * len(joins) // len(names + joins)
    assert abs(len(moved) - share) < share // 4


@pytest.mark.parametrize("percent", [100, 125, 200])
def test_no_engine_has_more_than_its_part_of_the_load(percent: int) -> None:
    place, there, dice = placing(percent), engines("abc"), random.Random(3)
    there[0].window = 16  # twice the others
    running: list[tuple[str, object]] = []
    loads: Counter[str] = Counter()
    for _ in range(2_000):
        ticket = place.ticket(interaction=dice.choice(["hot", "hot", dice.choice(KEYS)]))
        name = place.start(ticket, there)
        loads[name] += 1
        window = next(engine.window for engine in there if engine.name == name)
        most = -(-percent * sum(loads.values()) * window // (100 * 32))
        assert loads[name] <= most
        running.append((name, ticket))
        if len(running) > 40:
            ended, gone = running.pop(dice.randrange(len(running)))
            place.end(gone)  # type: ignore[arg-type]
            loads[ended] -= 1


def test_the_hash_is_the_same_in_every_process() -> None:
    """Known answers: an engine keeps its keys over a restart, whatever PYTHONHASHSEED."""
    assert hash_of(b"") != hash_of(b"\0") != hash_of(b"\0\0")
    code = (
        "from evenhand.scheduling.placement.stable_hash import hash_of\n"
        "print(hash_of(b'engine'), hash_of(b'x' * 1000))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert answers == {f"{hash_of(b'engine')} {hash_of(b'x' * 1000)}\n"}

"""The engine-neutral parts of a host inside an engine."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.inengine.accounts import Accounts, Positions
from evenhand.inengine.elsewhere import Elsewhere
from evenhand.inengine.host import Arrival, EngineHost
from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.tenant_hints import ANONYMOUS, NO_HINTS, HintReader, TenantHints, read
from evenhand.inengine.tenants import OTHERS, KnownTenants
from evenhand.model import Outcome, TenantPath, Usage
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare
from evenhand.wire.engine_hints import SEAL, hints_member, is_sealed, seal


def arrival(name: str, tenant: TenantPath, **told: object) -> Arrival:
    hints = TenantHints(tenant=tenant, **told)  # type: ignore[arg-type]
    return Arrival(id=name, hints=hints, input_tokens=10, output_tokens_max=8)


# Accounts.


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=12))
def test_each_position_is_booked_once_however_often_it_is_computed(
    runs: list[tuple[int, int]],
) -> None:
    """Each run begins at some place, the cache holding what is before, and computes so many."""
    positions, accounts = Positions(), Accounts()
    computed: set[int] = set()
    known: set[int] = set()
    total = 0
    for start, length in runs:
        positions.begin(start)
        known |= set(range(start))
        run = set(range(start, start + length))
        live = accounts.with_running([(("a",), positions.so_far(start + length))])
        accounts.book(("a",), positions.stop(start + length))
        assert (live.by_tenant, live.recomputed) == (accounts.by_tenant, accounts.recomputed)
        computed |= run - known
        known |= run
        total += length
    assert accounts.by_tenant.get(("a",), 0) == len(computed)
    assert accounts.sum == total


def test_what_does_not_run_computes_nothing() -> None:
    assert Positions().stop(100) == (0, 0)
    assert Positions().so_far(100) == (0, 0)


# Served elsewhere.


def test_what_is_served_here_is_not_served_elsewhere() -> None:
    elsewhere = Elsewhere()
    assert elsewhere.more(("a",), 1000, 0) == 0
    assert elsewhere.more(("a",), 1500, 500) == 0
    assert elsewhere.more(("a",), 1800, 500) == 300
    assert elsewhere.more(("a",), 1800, 500) == 0
    assert elsewhere.more(("a",), 1800, 800) == 0
    assert elsewhere.more(("a",), 2200, 800) == 100, "300 of it were in flight here"


def test_a_gateway_that_begins_anew_is_heard_anew() -> None:
    elsewhere = Elsewhere()
    elsewhere.more(("a",), 1000, 0)
    elsewhere.more(("a",), 3000, 0)
    assert elsewhere.more(("a",), 10, 0) == 0
    assert elsewhere.more(("a",), 60, 0) == 50


def test_what_a_tenant_had_elsewhere_counts_for_whose_turn_it_is() -> None:
    host = EngineHost(InEngineSettings(), seats=1)
    host.arrived(arrival("b0", ("b",)), 0)
    assert host.start(0) == "b0"
    host.arrived(arrival("a0", ("a",), served_units=100), 0)
    host.arrived(arrival("b1", ("b",)), 1)
    host.arrived(arrival("a1", ("a",), served_units=100_000), 2)
    host.ended("b0", Usage(10, 5), Outcome.COMPLETED, 3)
    assert host.head(3) == "b1"


# Tenants.


def tree_of(*names: str, tenants_max: int = 100) -> tuple[Scheduler, KnownTenants]:
    shares = tuple(TenantShare(name=name) for name in names)
    scheduler = Scheduler(SchedulerSettings(tenants=shares))
    return scheduler, KnownTenants(scheduler, tenants_max=tenants_max)


def test_tenants_are_known_as_they_are_heard_of_with_their_weights() -> None:
    scheduler, known = tree_of("acme")
    assert known.leaf(("acme",)) == ("acme",)
    assert known.leaf(("org", "team", "user"), (5, 3, 2)) == ("org", "team", "user")
    assert known.leaf(("org", "team", "other"), (5, 4, 9)) == ("org", "team", "other")
    weights = [n.weight for n in scheduler.tree.nodes() if n.path[:1] == ("org",)]
    assert sorted(weights) == [2, 4, 5, 9]


def test_who_names_a_node_with_tenants_beneath_is_of_others() -> None:
    _, known = tree_of("acme")
    known.leaf(("org", "team"))
    assert known.leaf(("org",)) == OTHERS


def test_who_would_take_a_busy_tenants_place_is_of_others() -> None:
    host = EngineHost(InEngineSettings(), seats=2)
    assert host.arrived(arrival("one", ("acme",)), 0) == ("acme",)
    assert host.arrived(arrival("two", ("acme", "search")), 0) == OTHERS
    host.ended("one", Usage(0, 0), Outcome.CANCELLED_QUEUED, 0)
    assert host.arrived(arrival("three", ("acme", "search")), 0) == ("acme", "search")


def test_the_tree_grows_no_further_than_it_may() -> None:
    scheduler, known = tree_of("acme", tenants_max=50)
    places = {known.leaf((f"t{number % 300}",)) for number in range(1000)}
    assert len(places) == 51
    assert sum(1 for _ in scheduler.tree.nodes()) == 1 + 1 + 50 + 1


def test_an_operators_tenant_may_be_called_others_and_have_tenants() -> None:
    shares = (TenantShare(name="others", children=(TenantShare(name="x"),)),)
    scheduler = Scheduler(SchedulerSettings(tenants=shares))
    known = KnownTenants(scheduler, tenants_max=1)
    known.leaf(("a",))
    assert known.leaf(("b",)) == ("others", "others")
    assert known.leaf(("c",)) == ("others", "others")


# Hints.


def test_hints_are_read_as_they_are_written() -> None:
    hints = {
        "evenhand_tenant": "acme/search",
        "evenhand_weights": [3, 1],
        "evenhand_lane": "chat",
        "evenhand_application": "bot",
        "evenhand_trust_domain": "acme",
        "evenhand_served": 12,
    }
    assert HintReader(trusts=True, secret=None).read(hints) == TenantHints(
        tenant=("acme", "search"),
        weights=(3, 1),
        lane="chat",  # type: ignore[arg-type]
        application="bot",  # type: ignore[arg-type]
        trust_domain="acme",  # type: ignore[arg-type]
        served_units=12,
    )


json_values = st.sampled_from(
    [None, True, 0, -1, 7, 1 << 70, 1.5, float("nan"), "", "a", "a/b", "a//b", "ü", [], [1], [[1]]]
)
names = st.sampled_from(
    ["evenhand_tenant", "evenhand_weights", "evenhand_lane", "evenhand_served", SEAL, "else"]
)


@given(st.dictionaries(names, json_values, max_size=6), st.sampled_from([None, b"s" * 16]))
def test_whatever_is_told_gives_hints_and_no_error(
    told: dict[str, object], secret: bytes | None
) -> None:
    reader = HintReader(trusts=True, secret=secret)
    hints = reader.read(told)
    assert hints.tenant == ANONYMOUS or secret is None
    EngineHost(InEngineSettings(), seats=1).arrived(
        Arrival(id="r", hints=hints, input_tokens=1, output_tokens_max=1), 0
    )


@pytest.mark.parametrize(
    "change",
    [
        {"evenhand_tenant": ""},
        {"evenhand_tenant": "a/"},
        {"evenhand_tenant": ["a"]},
        {"evenhand_weights": [0]},
        {"evenhand_weights": [1, 2]},
        {"evenhand_weights": [1.5]},
        {"evenhand_weights": [True]},
        {"evenhand_weights": "1"},
        {"evenhand_served": -1},
        {"evenhand_served": 1 << 70},
        {"evenhand_lane": ""},
        {"evenhand_lane": 7},
        {"evenhand_application": "x" * 300},
    ],
)
def test_malformed_hints_are_nobodys(change: dict[str, object]) -> None:
    assert read({"evenhand_tenant": "a", **change}) is NO_HINTS


@given(
    st.dictionaries(st.sampled_from(["evenhand_tenant", "evenhand_x"]), st.text(), min_size=1),
    st.binary(min_size=1),
)
def test_a_seal_holds_for_what_was_sealed_and_nothing_else(
    hints: dict[str, str], secret: bytes
) -> None:
    sealed = {**hints, SEAL: seal(hints, secret), "another": object()}
    assert is_sealed(sealed, secret)
    assert not is_sealed(sealed, secret + b"x")
    assert not is_sealed({**sealed, "evenhand_more": 1}, secret)
    for name, hint in hints.items():
        assert not is_sealed({**sealed, name: hint + "x"}, secret)


def test_a_body_gets_the_hints_as_its_last_member() -> None:
    assert hints_member({"evenhand_tenant": "a"}, None) == (
        b',"vllm_xargs":{"evenhand_tenant":"a"}'
    )


# Tokens in all.


def test_tokens_in_all_are_charged_as_token_by_token() -> None:
    rng = random.Random(5)
    hosts = [EngineHost(InEngineSettings(policy=policy), seats=4) for policy in ("vtc", "vtc")]
    for host in hosts:
        for number in range(4):
            host.arrived(arrival(f"r{number}", (f"t{number % 2}",)), 0)
            host.start(0)
    one, other = hosts
    totals = dict.fromkeys((f"r{number}" for number in range(4)), 0)
    for now_ms in range(1, 50):
        for name in totals:
            totals[name] += rng.randint(0, 3)
            one.produced(name, totals[name], now_ms)
        if now_ms % 7 == 0:
            other.produced_in_all(list(totals.items()), now_ms)  # type: ignore[arg-type]
            for tenant in (("t0",), ("t1",)):
                assert one.scheduler.served_units(tenant) == other.scheduler.served_units(tenant)
    for host in hosts:
        for name, total in totals.items():
            host.ended(name, Usage(10, total), Outcome.COMPLETED, 99)
    assert one.scheduler.served_units(("t0",)) == other.scheduler.served_units(("t0",))
    assert one.running == other.running == 0

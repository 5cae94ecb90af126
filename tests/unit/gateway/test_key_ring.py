"""The ring of keys: stored keys come, change and go; what they have open stays counted."""

from evenhand.gateway.cache_salt import CacheSalts
from evenhand.gateway.identity import Grant, KeyRing
from evenhand.model import KeyId, TrustDomain
from evenhand.stores import Pepper
from support.gateway import KEY_A, identity

PEPPER = Pepper.of_this_process()


def grant(key: str, ends_ms: int | None = None) -> Grant:
    return Grant(PEPPER.digest(key), ends_ms)


def ring() -> KeyRing:
    ring = KeyRing([(KEY_A, identity("a"))], PEPPER)
    ring.wall_ms = lambda: 1_000
    return ring


def bearer(key: str) -> str:
    return f"Bearer {key}"


def test_a_stored_key_is_known_until_it_is_out() -> None:
    keys, stored = ring(), identity("b", key_id=KeyId("key_b"))
    assert keys.holder(bearer("one")) is None
    assert keys.change(stored, [grant("one")])
    holder = keys.holder(bearer("one"))
    assert holder is not None
    assert holder.identity is stored
    assert keys.stored_keys == 1
    keys.take_out(KeyId("key_b"))
    keys.take_out(KeyId("key_b"))
    assert keys.holder(bearer("one")) is None
    assert keys.stored_keys == 0
    assert keys.holder(bearer(KEY_A)) is not None


def test_a_new_secret_keeps_what_is_open() -> None:
    keys, stored = ring(), identity("b", key_id=KeyId("key_b"))
    keys.change(stored, [grant("one")])
    holder = keys.holder(bearer("one"))
    assert holder is not None
    holder.open_requests += 1
    keys.change(stored, [grant("one", 2_000), grant("two")])
    assert keys.holder(bearer("one")) is holder
    assert keys.holder(bearer("two")) is holder
    keys.change(stored, [grant("two")])
    assert keys.holder(bearer("one")) is None
    assert keys.holder(bearer("two")) is holder
    assert holder.open_requests == 1


def test_an_end_is_kept_to_the_millisecond() -> None:
    keys = ring()
    keys.change(identity("b", key_id=KeyId("key_b")), [grant("one", 1_001)])
    assert keys.holder(bearer("one")) is not None
    keys.wall_ms = lambda: 1_001
    assert keys.holder(bearer("one")) is None


def test_the_clock_is_not_read_for_keys_without_an_end() -> None:
    keys = ring()
    keys.change(identity("b", key_id=KeyId("key_b")), [grant("one")])

    def clock() -> int:
        raise AssertionError("nobody needs to know")

    keys.wall_ms = clock
    for key in ("one", KEY_A, "stranger"):
        keys.holder(bearer(key))


def test_the_configurations_word_holds_where_both_have_a_secret() -> None:
    keys, stored = ring(), identity("b", key_id=KeyId("key_b"))
    assert not keys.change(stored, [grant(KEY_A)])
    holder = keys.holder(bearer(KEY_A))
    assert holder is not None
    assert holder.identity.tenant == ("a",)
    assert not keys.change(stored, [grant(KEY_A), grant("two")])
    keys.take_out(KeyId("key_b"))
    assert keys.holder(bearer("two")) is None
    assert keys.holder(bearer(KEY_A)) is holder


def test_salts_appear_with_the_second_domain() -> None:
    keys = ring()
    salts = CacheSalts(keys)
    one, other = TrustDomain("one"), TrustDomain("other")
    assert salts.of(one) is None
    keys.trust_domains.add(other)
    both = {salts.of(one), salts.of(other)}
    assert len(both) == 2
    assert None not in both
    assert {salts.of(one), salts.of(other)} == both


def test_nothing_that_prints_shows_a_digest() -> None:
    keys = ring()
    keys.change(identity("b", key_id=KeyId("key_b")), [grant("one")])
    known = keys._known[PEPPER.digest("one")[:8]]
    assert "digest" not in repr(known)

"""F14 in small: at every start, through odd traffic, the core picks whose turn it is by plain books."""

from properties.plain_counters import follow_the_rule


def test_every_start_is_the_least_served_tenants() -> None:
    assert follow_the_rule(range(20)) > 10_000

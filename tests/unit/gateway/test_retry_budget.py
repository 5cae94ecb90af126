"""Retries are at most a tenth of all requests, and a few to begin with."""

import random

from evenhand.gateway.retry_budget import RETRIES_AT_ONCE_MAX, RetryBudget


def test_retries_never_exceed_a_tenth_of_the_requests_and_ten() -> None:
    for seed in range(50):
        chance, budget, requests = random.Random(seed), RetryBudget(), 0
        for _ in range(2_000):
            if chance.random() < 0.5:
                budget.earn()
                requests += 1
            elif budget.allows():
                budget.spend()
            assert budget.spent_total <= 10 + requests / 10


def test_a_storm_on_a_fresh_gateway_gets_ten_and_then_one_in_ten() -> None:
    budget, made = RetryBudget(), 0
    for _ in range(1_000):
        budget.earn()
        if budget.allows():
            budget.spend()
            made += 1
    assert made == 110
    assert budget.refused_total == 890


def test_what_is_saved_up_has_a_limit() -> None:
    budget = RetryBudget()
    for _ in range(100_000):
        budget.earn()
    made = 0
    while budget.allows():
        budget.spend()
        made += 1
    assert made == RETRIES_AT_ONCE_MAX

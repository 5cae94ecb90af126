"""The stories have their people, their lanes and their one troublemaker."""

from collections import Counter

import pytest

from evenhand.workloads.catalog import WORKLOADS


def test_the_chatbot_has_a_lane_with_a_target_of_500_ms_before_that_of_the_job() -> None:
    workload = WORKLOADS["oncall"].make(1)
    first, second = workload.lanes
    assert first.ttft_ms_target == 500
    assert not WORKLOADS["oncall"].make(1, {"lanes": "no"}).lanes
    lanes = {(ask.tenant[0], ask.lane) for ask in workload.asks}
    assert lanes == {("chatbot", first.name), ("enrichment", second.name)}


def test_the_job_has_so_many_documents_of_8000_tokens_under_way() -> None:
    asks = list(WORKLOADS["oncall"].make(1).asks)
    job = [ask for ask in asks if ask.tenant == ("enrichment",)]
    assert len(job) == 3000
    assert {ask.input_tokens for ask in job} == {8000}
    assert {ask.at_ms for ask in job} == {60_000}
    assert sum(not ask.after for ask in job) == 64
    assert max(Counter(number for ask in job for number in ask.after).values()) == 1
    talk = [ask for ask in asks if ask.tenant == ("chatbot",)]
    assert len(talk) == pytest.approx(5 * 900, rel=0.05)


def test_one_request_reasons_for_28000_tokens_among_ten_who_chat() -> None:
    asks = list(WORKLOADS["reasoning"].make(1).asks)
    counts = Counter(ask.tenant[0] for ask in asks)
    assert counts.pop("reasoner") == 1
    assert len(counts) == 10
    assert sum(counts.values()) == pytest.approx(3000, rel=0.05)
    (thought,) = (ask for ask in asks if ask.tenant == ("reasoner",))
    assert thought.output_tokens == 28_000
    assert all(ask.output_tokens <= 1000 for ask in asks if ask is not thought)

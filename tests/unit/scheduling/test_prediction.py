"""What is predicted, from whose history, and how wrong it was."""

from dataclasses import replace

import pytest

from evenhand.model import (
    ApplicationName,
    EngineName,
    ModelName,
    Outcome,
    Request,
    RequestId,
    Usage,
)
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare, compose
from evenhand.scheduling.prediction.error import PredictionError
from evenhand.scheduling.prediction.oracle import Oracle
from evenhand.scheduling.prediction.quantile import Quantile

MODEL = ModelName("m")
DEFAULT = 77


def request(tenant: str = "a", application: str = "chat", **more: object) -> Request:
    plain = Request(
        id=RequestId("r"),
        tenant=(tenant,),
        model=MODEL,
        body_bytes=1,
        prompt_tokens=5,
        queue_wait_ms_max=1,
        application=ApplicationName(application),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def quantile(percent: int = 50) -> Quantile:
    return Quantile(percent=percent, memory_answers=64, default_tokens=DEFAULT)


def test_a_quantile_starts_with_the_model_and_goes_on_with_the_tenants_application() -> None:
    prediction = quantile()
    assert prediction.tokens(request()) == DEFAULT
    for _ in range(50):
        prediction.learn(request("b"), 3)
    assert prediction.tokens(request("a")) == 3, "the model's own history"
    for count in range(1, 6):
        prediction.learn(request("a"), 1)
        assert prediction.tokens(request("a")) == (1 if count >= 4 else 3)
    assert prediction.tokens(request("a", "batch")) == 3, "another application"
    prediction.forget(("a",))
    assert prediction.tokens(request("a")) == 3


@pytest.mark.parametrize(("percent", "tokens"), [(10, 1), (50, 2), (100, 3)])
def test_the_percent_says_how_many_are_no_longer(percent: int, tokens: int) -> None:
    prediction = quantile(percent)
    for length in (1, 2, 2, 3):
        prediction.learn(request(), length)
    assert prediction.tokens(request()) == tokens


def test_no_prediction_exceeds_what_the_client_allows_for_all_choices() -> None:
    prediction = quantile()
    for _ in range(4):
        prediction.learn(request(choices=2), 6)
    assert prediction.tokens(request(choices=2)) == 6
    assert prediction.tokens(request(choices=2, output_tokens_max=1)) == 2
    prediction.learn(request(output_tokens_max=0), 0)
    assert prediction.tokens(request()) == 3, "an embedding taught nothing"


def test_the_oracle_knows_within_the_limit_and_only_where_it_is_told() -> None:
    assert Oracle().tokens(request(output_tokens_true=40, choices=2)) == 40
    assert Oracle().tokens(request(output_tokens_true=40, choices=2, output_tokens_max=15)) == 30
    with pytest.raises(AssertionError, match="for simulators"):
        Oracle().tokens(request())


def errors_after(prediction: str, lengths: list[int]) -> PredictionError:
    settings = SchedulerSettings(
        tenants=(TenantShare(name="a"),),
        policy=compose(prediction=prediction),
        output_tokens_default=10,
    )
    scheduler = Scheduler(settings)
    scheduler.engine_changed(EngineName("e"), window=1, models=[MODEL])
    for length in lengths:
        asked = request(output_tokens_true=length)
        assert scheduler.start_at_once(asked, 0) == "e"
        scheduler.produced(asked.id, length, 0)
        scheduler.settle(asked.id, Usage(5, length), Outcome.COMPLETED, 0)
    return scheduler.prediction_errors.by_model[MODEL]


def test_errors_are_summed_by_direction() -> None:
    assert errors_after("none", [4, 6]) == PredictionError(2, 0, 10)
    assert errors_after("oracle", [4, 6]) == PredictionError(2, 0, 0)
    # 10 by default, then the mean: 4, then (4 * 4 + 14) / 5 = 6.
    assert errors_after("running-mean", [4, 14, 6]) == PredictionError(3, 6, 10)


def test_broken_off_answers_and_embeddings_say_nothing_of_the_error() -> None:
    scheduler = Scheduler(SchedulerSettings(tenants=(TenantShare(name="a"),)))
    scheduler.engine_changed(EngineName("e"), window=2, models=[MODEL])
    for asked, outcome in (
        (request(), Outcome.CANCELLED_RUNNING),
        (request(output_tokens_max=0), Outcome.COMPLETED),
    ):
        scheduler.start_at_once(asked, 0)
        scheduler.settle(asked.id, Usage(5, 0), outcome, 0)
    assert not scheduler.prediction_errors.by_model


def started_of_burst(prediction: str) -> int:
    """How many of a tenant's short prompts with long answers start before one of another tenant's long
    prompts without answers is followed by a second."""
    settings = SchedulerSettings(
        tenants=(TenantShare(name="a"), TenantShare(name="b")),
        policy=compose(prediction=prediction),
    )
    scheduler = Scheduler(settings)
    scheduler.engine_changed(EngineName("e"), window=100, models=[MODEL])
    for number in range(90):
        long_answer = request(prompt_tokens=1, output_tokens_true=100)
        scheduler.submit(replace(long_answer, id=RequestId(f"a{number}")), 0)
        long_prompt = request("b", prompt_tokens=80, output_tokens_true=0)
        scheduler.submit(replace(long_prompt, id=RequestId(f"b{number}")), 0)
    started = [scheduler.next(0) for _ in range(100)]
    tenants = [start.request.tenant[0] for start in started if start is not None]
    second = tenants.index("b", tenants.index("b") + 1)
    return tenants[:second].count("a")


def test_a_prediction_makes_a_burst_pay_at_the_pick() -> None:
    assert started_of_burst("none") > 50, "at the price of their prompts"
    assert started_of_burst("oracle") == 1

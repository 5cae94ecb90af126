"""Every ending is counted under bounded labels."""

import pytest

from evenhand.model import ModelName, Outcome
from evenhand.telemetry import Metrics
from evenhand.telemetry.metrics import MODELS_MAX
from support.ended_request import ended_request
from support.samples import by_label, samples_of


def metrics_of(*models: str) -> Metrics:
    return Metrics(models=models, version="1.2.3")


def count(metrics: Metrics, outcome: Outcome, model: str) -> float:
    labels = (("model", model), ("outcome", outcome.value))
    return samples_of(metrics.render())["evenhand_requests_total", labels]


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_can_be_recorded_and_refused(outcome: Outcome) -> None:
    metrics = metrics_of("m")
    metrics.record(ended_request(outcome=outcome))
    metrics.refused(outcome)
    metrics.refused(outcome)
    assert count(metrics, outcome, "m") == 1
    assert count(metrics, outcome, "none") == 2
    assert sum(counts(metrics).values()) == 3


def counts(metrics: Metrics) -> dict[tuple[str, ...], float]:
    return {
        tuple(value for _, value in labels): value
        for (name, labels), value in samples_of(metrics.render()).items()
        if name == "evenhand_requests_total"
    }


def test_series_do_not_depend_on_what_clients_send() -> None:
    metrics = metrics_of("m", "org/m:free")
    metrics.record(ended_request())  # its tenant has series of its own from now on
    before = samples_of(metrics.render()).keys()
    for number in range(1_000):
        metrics.record(ended_request(model=ModelName(f"made up {number}")))
    metrics.record(ended_request(model=None, queue_wait_ms=None, ttft_ms=None))
    after = samples_of(metrics.render())
    assert after.keys() == before
    assert count(metrics, Outcome.COMPLETED, "other") == 1_000
    assert count(metrics, Outcome.COMPLETED, "none") == 1


def test_many_configured_models_are_bounded_too() -> None:
    models = [f"m{number}" for number in range(10 * MODELS_MAX)]
    metrics = metrics_of(*models)
    labels = {model for model, _ in counts(metrics)}
    assert labels == {*models[:MODELS_MAX], "other", "none"}


def test_models_that_are_called_other_and_none_keep_their_own_series() -> None:
    metrics = metrics_of("other", "none")
    metrics.record(ended_request(model=ModelName("other")))
    metrics.record(ended_request(model=ModelName("unheard of")))
    metrics.record(ended_request(model=ModelName("none")))
    labels = ("/other", "other", "/none", "none")
    assert [count(metrics, Outcome.COMPLETED, label) for label in labels] == [1, 1, 1, 0]


def test_token_kinds_add_up() -> None:
    metrics = metrics_of("m")
    metrics.record(ended_request(input_tokens=100, cached_input_tokens=40, output_tokens=30))
    samples = samples_of(metrics.render())
    tokens = {
        dict(labels)["kind"]: value
        for (name, labels), value in samples.items()
        if name == "evenhand_tokens_total" and ("model", "m") in labels
    }
    assert tokens == {"input": 60, "cached_input": 40, "output": 30}


def test_waits_and_first_tokens_are_counted_where_there_were_any() -> None:
    metrics = metrics_of("m")
    metrics.record(ended_request(queue_wait_ms=2_000, ttft_ms=2_500))
    metrics.record(ended_request(queue_wait_ms=4_000, ttft_ms=None))
    metrics.record(ended_request(queue_wait_ms=None, ttft_ms=None))
    samples = samples_of(metrics.render())
    model = (("model", "m"),)
    assert samples["evenhand_queue_wait_seconds_count", model] == 2
    assert samples["evenhand_queue_wait_seconds_sum", model] == 6
    assert samples["evenhand_ttft_seconds_count", model] == 1
    assert samples["evenhand_ttft_seconds_sum", model] == 2.5


def test_buckets_are_cumulative_and_include_their_bound() -> None:
    metrics = metrics_of("m")
    inter_token = metrics.pace("m", ("a",))
    inter_token.observe(0.01)
    inter_token.observe(0.02, 4)
    inter_token.observe(99.0)
    buckets = {
        dict(labels)["le"]: value
        for (name, labels), value in samples_of(metrics.render()).items()
        if name == "evenhand_inter_token_seconds_bucket" and ("model", "m") in labels
    }
    assert buckets["0.0075"] == 0
    assert buckets["0.01"] == 1
    assert buckets["0.015"] == 1
    assert buckets["0.02"] == 5
    assert buckets["5.0"] == 5
    assert buckets["+Inf"] == 6


def test_lag_version_and_dropped_lines_are_exposed() -> None:
    metrics = Metrics(models=[], version="1.2.3", log_lines_dropped=lambda: 7)
    metrics.loop_lag.observe(0.25)
    samples = samples_of(metrics.render())
    assert samples["evenhand_log_lines_dropped_total", ()] == 7
    assert samples["evenhand_loop_lag_seconds_sum", ()] == 0.25
    assert samples["evenhand_loop_lag_seconds_bucket", (("le", "0.25"),)] == 1
    assert samples["evenhand_loop_lag_seconds_bucket", (("le", "0.1"),)] == 0
    assert by_label(samples, "evenhand_build_info", "version") == {"1.2.3": 1}


def test_every_own_metric_has_the_prefix_and_a_help_text() -> None:
    text = metrics_of("m").render().decode()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, what = line.split(" ", 3)
            assert name.startswith("evenhand_")
            assert what
        elif not line.startswith("#"):
            assert line.startswith("evenhand_")


def test_tenants_beyond_the_bound_share_their_times() -> None:
    metrics = Metrics(models=["m"], version="1", tenants_max=2)
    for name in ("a", "b", "c", 'd"'):
        metrics.record(ended_request(tenant=(name,), queue_wait_ms=30.0, ttft_ms=80.0))
        metrics.pace("m", (name,)).observe(0.02, 3)
    samples = samples_of(metrics.render())
    for family, each in (("queue_wait", 1), ("ttft", 1), ("inter_token", 3)):
        counts = {
            dict(labels)["tenant"]: value
            for (name, labels), value in samples.items()
            if name == f"evenhand_tenant_{family}_seconds_count"
        }
        assert counts == {"a": each, "b": each, "other": 2 * each}
    assert samples["evenhand_inter_token_seconds_count", (("model", "m"),)] == 12
    slow = (("le", "0.025"), ("tenant", "a")), (("le", "0.1"), ("tenant", "a"))
    assert [samples["evenhand_tenant_ttft_seconds_bucket", labels] for labels in slow] == [0, 1]


def test_names_of_tenants_are_written_so_that_prometheus_reads_them() -> None:
    metrics = metrics_of("m")
    for name in ('quo"te', "back\\slash", "other"):
        metrics.record(ended_request(tenant=(name,)))
    labels = {dict(labels).get("tenant") for _, labels in samples_of(metrics.render())}
    assert {'quo"te', "back\\slash", "/other"} <= labels

"""What Prometheus sees of observe mode."""

from evenhand.model import ModelName, TenantPath
from evenhand.scheduling.shadow import OTHERS, Comparison, Observation, Tally
from evenhand.telemetry import Metrics, ObservedCollector
from support.samples import by_label, samples_of

MODEL = ModelName("m")


def tally(*waits_ms: int) -> Tally:
    filled = Tally()
    for ms in waits_ms:
        filled.waits.add(ms)
    return filled


def found(*rows: tuple[TenantPath, Tally, Tally]) -> Observation:
    return Observation(
        at_ms=0,
        remembered=0,
        resets=2,
        unobserved=0,
        is_paused=False,
        unknown_service=0,
        in_all=tuple(Comparison(*row) for row in rows),
        recent=(),
    )


def scrape(observation: Observation | None) -> bytes:
    metrics = Metrics(models=[MODEL], version="0")
    metrics.registry.register(ObservedCollector(lambda: observation))
    return metrics.render()


def test_waits_are_told_by_tenant_and_order() -> None:
    rows = [
        (("acme", "search"), tally(1_000, 500), tally(250)),
        (("other",), tally(4), tally(4)),
        (OTHERS, tally(), tally(9)),
    ]
    samples = samples_of(scrape(found(*rows)))
    name = "evenhand_observed_wait_seconds"
    acme = {
        order: (
            samples[f"{name}_sum", (("order", order), ("tenant", "acme/search"))],
            samples[f"{name}_count", (("order", order), ("tenant", "acme/search"))],
        )
        for order in ("arrival", "fair")
    }
    assert acme == {"arrival": (1.5, 2), "fair": (0.25, 1)}
    assert by_label(samples, f"{name}_count", "tenant").keys() == {"acme/search", "/other", "other"}
    assert samples[f"{name}_count", (("order", "fair"), ("tenant", "other"))] == 1
    assert samples["evenhand_observing", ()] == 1
    assert samples["evenhand_observed_resets_total", ()] == 2


def test_a_failed_shadow_shows_as_a_zero_and_nothing_else() -> None:
    text = scrape(None)
    assert samples_of(text)["evenhand_observing", ()] == 0
    assert b"evenhand_observed" not in text

"""Reads the Prometheus text format back."""

from prometheus_client.parser import text_string_to_metric_families

Labels = tuple[tuple[str, str], ...]


def samples_of(text: bytes) -> dict[tuple[str, Labels], float]:
    """Value by name and sorted labels; a series that appears twice fails."""
    found: dict[tuple[str, Labels], float] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            series = (sample.name, tuple(sorted(sample.labels.items())))
            assert series not in found, f"{series} appears twice"
            found[series] = sample.value
    return found


def by_label(samples: dict[tuple[str, Labels], float], name: str, label: str) -> dict[str, float]:
    """The samples of one name, by the value of its label."""
    return {dict(labels)[label]: value for (n, labels), value in samples.items() if n == name}

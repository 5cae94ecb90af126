"""The tenants' histograms as the lines that Prometheus reads.

The client library writes a line in ten microseconds, and here are thousands, on the loop's thread: so
the part of each line that stays is made once.
"""

from collections.abc import Collection, Iterator

from evenhand.telemetry.histogram import SecondsHistogram


class HistogramLines:
    """Of one metric. Bounded by the labels that it is asked for."""

    def __init__(self, name: str, what: str, shown_s: Collection[float] | None = None) -> None:
        """`shown_s`: only these bounds are told; None: all."""
        self._name = name
        self._shown_s = shown_s
        self.head = f"# HELP {name} {what}\n# TYPE {name} histogram\n"
        self._kept: dict[str, list[str]] = {}

    def of(self, tenant: str, histogram: SecondsHistogram) -> Iterator[str]:
        """Its lines, none while nothing was observed. `tenant` is the label's value."""
        buckets = histogram.buckets(self._shown_s)
        count = buckets[-1][1]
        if not count:
            return
        kept = self._kept.get(tenant)
        if kept is None:
            kept = self._kept[tenant] = self._lines(tenant, [bound for bound, _ in buckets])
        for line, (_, up_to) in zip(kept, buckets, strict=False):
            yield f"{line}{up_to}\n"
        yield f"{kept[-2]}{count}\n"
        yield f"{kept[-1]}{histogram.total_s}\n"

    def _lines(self, tenant: str, bounds: list[str]) -> list[str]:
        """Each up to its figure: the buckets, the count, the sum."""
        value = tenant.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        label = f'tenant="{value}"'
        return [
            *(f'{self._name}_bucket{{le="{bound}",{label}}} ' for bound in bounds),
            f"{self._name}_count{{{label}}} ",
            f"{self._name}_sum{{{label}}} ",
        ]

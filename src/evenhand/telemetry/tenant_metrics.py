"""What is counted per tenant: the times that it waits. Bounded: so many tenants have histograms of their
own, in the order in which they came first; all others share those of `other`."""

from evenhand.model import TenantPath
from evenhand.telemetry.histogram import SecondsHistogram
from evenhand.telemetry.labels import OTHER, distinct
from evenhand.telemetry.record import RequestRecord
from evenhand.telemetry.tenant_exposition import HistogramLines

_WAIT_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_TTFT_S = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30, 80)
_INTER_TOKEN_SHOWN_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1)
INTER_TOKEN_S = (
    *(0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05),
    *(0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5),
)

_WAIT = "Time from arrival in the queue to an engine, of the tenant's ended requests."
_TTFT = "Time from the request to its first token, of the tenant's ended requests."
_PACE = "Time between output tokens of one answer of the tenant."


class TenantTimes:
    """Of one tenant. `inter_token` is per model label, because each observation counts for both."""

    __slots__ = ("inter_token", "queue_wait", "ttft")

    def __init__(self) -> None:
        self.queue_wait = SecondsHistogram(_WAIT_S)
        self.ttft = SecondsHistogram(_TTFT_S)
        self.inter_token: dict[str | None, SecondsHistogram] = {}


class TenantMetrics:
    """Use from the loop's thread."""

    def __init__(self, tenants_max: int) -> None:
        self._tenants_max = tenants_max
        self._named: dict[TenantPath, TenantTimes] = {}
        self._other = TenantTimes()
        self._ended: set[TenantPath] = set()
        self._lines = (
            HistogramLines("evenhand_tenant_queue_wait_seconds", _WAIT),
            HistogramLines("evenhand_tenant_ttft_seconds", _TTFT),
            HistogramLines("evenhand_tenant_inter_token_seconds", _PACE, _INTER_TOKEN_SHOWN_S),
        )

    def of(self, tenant: TenantPath) -> TenantTimes:
        """Its own times, or those of all that have none."""
        times = self._named.get(tenant)
        if times is not None:
            return times
        if len(self._named) >= self._tenants_max:
            return self._other
        times = self._named[tenant] = TenantTimes()
        return times

    def named(self, tenant: TenantPath) -> TenantTimes | None:
        """Its own times; None: it has none."""
        return self._named.get(tenant)

    def pace(self, tenant: TenantPath, model: str | None) -> SecondsHistogram:
        """The one histogram for tokens of that tenant from that model; `model` is a label's."""
        paces = self.of(tenant).inter_token
        pace = paces.get(model)
        if pace is None:
            pace = paces[model] = SecondsHistogram(INTER_TOKEN_S)
        return pace

    def of_model(self, model: str | None) -> SecondsHistogram:
        """The sum over all tenants."""
        every = [times.inter_token.get(model) for times in (*self._named.values(), self._other)]
        return SecondsHistogram.sum(INTER_TOKEN_S, [one for one in every if one is not None])

    def ended(self, record: RequestRecord) -> None:
        """Count an ended request of somebody."""
        tenant = record["tenant"]
        if tenant is None:
            return
        self._ended.add(tenant)
        times = self._named.get(tenant) or self.of(tenant)
        queue_wait_ms, ttft_ms = record["queue_wait_ms"], record["ttft_ms"]
        if queue_wait_ms is not None:
            times.queue_wait.observe(queue_wait_ms / 1000)
        if ttft_ms is not None:
            times.ttft.observe(ttft_ms / 1000)

    def take_ended(self) -> set[TenantPath]:
        """Whose requests have ended since this was asked last."""
        ended, self._ended = self._ended, set()
        return ended

    def exposition(self) -> str:
        """At this moment, as text for Prometheus. A histogram without an observation has no lines."""
        rows = {distinct("/".join(path), OTHER): times for path, times in self._named.items()}
        rows[OTHER] = self._other
        paces = {
            label: SecondsHistogram.sum(INTER_TOKEN_S, times.inter_token.values())
            for label, times in rows.items()
        }
        waits, ttfts, gaps = self._lines
        text = [waits.head]
        for label, times in rows.items():
            text += waits.of(label, times.queue_wait)
        text.append(ttfts.head)
        for label, times in rows.items():
            text += ttfts.of(label, times.ttft)
        text.append(gaps.head)
        for label, pace in paces.items():
            text += gaps.of(label, pace)
        return "".join(text)

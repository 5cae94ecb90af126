"""The core inside one engine, whichever it is: told of what happens there, asked who is next.

An adapter owes, for each request: `arrived` once, and `ended` once. In between the engine may take it
(`start`, when `head` has named it) and take it back (`preempted`) any number of times.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from evenhand.inengine.elsewhere import Elsewhere
from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.tenant_hints import ANONYMOUS, NO_DOMAIN, TenantHints
from evenhand.inengine.tenants import KnownTenants
from evenhand.model import (
    EngineName,
    ModelName,
    Outcome,
    Request,
    RequestId,
    TenantPath,
    TrustDomain,
    Usage,
)
from evenhand.scheduling import (
    QueueLimits,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    compose,
)

ENGINE = EngineName("self")
MODEL = ModelName("self")

_FOREVER_MS = 1 << 50
# The engine's own front end bounds what waits: refusing a second time here would only lose requests.
_UNLIMITED = QueueLimits(
    requests_max=1 << 40,
    bytes_max=1 << 60,
    tenant_requests_max=1 << 40,
    tenant_bytes_max=1 << 60,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request as the engine has it. `prefix` is that by which prompts are compared; empty where the
    policy does not ask."""

    id: str
    hints: TenantHints
    input_tokens: int
    output_tokens_max: int | None
    prefix: bytes = b""
    trust_domain: TrustDomain = NO_DOMAIN


def scheduler_settings(settings: InEngineSettings) -> SchedulerSettings:
    """Nothing is predicted: inside the engine every token is seen. Nor is anybody refused: a request
    that has come so far is one that its gateway has let in."""
    names = {share.name for share in settings.tenants}
    nobody = () if ANONYMOUS[0] in names else (TenantShare(name=ANONYMOUS[0]),)
    return SchedulerSettings(
        tenants=(*settings.tenants, *nobody),
        policy=compose(settings.policy, prediction="none", admission="none"),
        limits=_UNLIMITED,
        lanes=settings.lanes,
    )


class EngineHost:
    """`seats` is how many requests the engine runs at once."""

    def __init__(
        self,
        settings: InEngineSettings,
        *,
        seats: int,
        scheduler: Callable[[SchedulerSettings], Scheduler] = Scheduler,
    ) -> None:
        self.settings = settings
        self.scheduler = scheduler(scheduler_settings(settings))
        self.reads_prefix = self.scheduler.settings.policy.reads_prefix
        self.scheduler.engine_changed(ENGINE, window=seats, models=(MODEL,))
        self._tenants = KnownTenants(self.scheduler, tenants_max=settings.tenants_max)
        self._elsewhere = Elsewhere()
        # Bounded by what the engine's front end lets in.
        self._ran: set[RequestId] = set()
        self._seats = seats
        self.running = 0
        """How many were started, and neither taken back nor ended."""

    def arrived(self, arrival: Arrival, now_ms: int) -> TenantPath:
        """It waits from now on, as a request of the tenant that is returned."""
        hints = arrival.hints
        tenant = self._tenants.leaf(hints.tenant, hints.weights)
        if hints.served_units is not None and tenant == hints.tenant:
            self._hear(tenant, hints.served_units, now_ms)
        request = Request(
            id=RequestId(arrival.id),
            tenant=tenant,
            model=MODEL,
            body_bytes=0,
            prompt_tokens=arrival.input_tokens,
            output_tokens_max=arrival.output_tokens_max,
            queue_wait_ms_max=_FOREVER_MS,
            application=hints.application,
            lane=self.settings.lane(hints.lane),
            prefix=arrival.prefix,
            trust_domain=arrival.trust_domain,
        )
        submission = self.scheduler.submit(request, now_ms)
        assert submission.refused is None, "no policy inside an engine refuses"
        return tenant

    def head(self, now_ms: int) -> str | None:
        """Who is next; None: nobody may be started at the moment."""
        request = self.scheduler.ahead(now_ms)
        return None if request is None else request.id

    def start(self, now_ms: int) -> str:
        """Whom `head` has named is taken."""
        start = self.scheduler.next(now_ms)
        assert start is not None, "nobody is next"
        self._ran.add(start.request.id)
        self.running += 1
        return start.request.id

    def counted(self, request_id: str, input_tokens: int, cached_tokens: int, now_ms: int) -> None:
        """So much of the prompt of one that was started for the first time is in the engine's cache."""
        if not cached_tokens and not self.reads_prefix:
            return  # as it was charged
        self.scheduler.prompt_counted(RequestId(request_id), input_tokens, cached_tokens, now_ms)

    def produced(self, request_id: str, output_tokens: int, now_ms: int) -> None:
        """So many tokens of its answer are there in all."""
        self.produced_in_all(((RequestId(request_id), output_tokens),), now_ms)

    def produced_in_all(self, totals: Iterable[tuple[RequestId, int]], now_ms: int) -> None:
        """So many tokens of the answer of each of these are there in all."""
        self.scheduler.produced_in_all(totals, now_ms)

    def preempted(self, request_id: str, now_ms: int) -> None:
        """The engine took back one that was started: it waits again."""
        self.running -= 1
        self.scheduler.preempted(RequestId(request_id), now_ms)

    def ended(
        self,
        request_id: str,
        usage: Usage,
        outcome: Outcome,
        now_ms: int,
        *,
        waits: bool = False,
    ) -> None:
        """It is over, whether it ran or still `waits`."""
        own = RequestId(request_id)
        if own in self._ran:
            self._ran.remove(own)
            self.running -= not waits
            self.scheduler.settle(own, usage, outcome, now_ms)
        else:
            self.scheduler.cancel(own, now_ms)

    def seats_now(self, seats: int) -> None:
        """So many may be started in all from now on."""
        if seats != self._seats:
            self._seats = seats
            self.scheduler.engine_changed(ENGINE, window=seats, models=(MODEL,))

    def standing(self, request_id: str) -> tuple[int, ...]:
        """A key for sorting: of the tenant that has had most for its weight, it is greatest."""
        return self.scheduler.standing(RequestId(request_id))

    def _hear(self, tenant: TenantPath, served_units: int, now_ms: int) -> None:
        """What the gateway has charged a tenant so far, here and elsewhere."""
        own = self.scheduler.served_units(tenant)
        more = self._elsewhere.more(tenant, served_units, own)
        if more:
            self.scheduler.charged_elsewhere(tenant, more, now_ms)

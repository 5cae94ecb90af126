"""The core inside one engine, whichever it is: told of what happens there, asked who is next.

An adapter owes, for each request: `arrived` once, and `ended` once. In between the engine may take it
(`start`, when `head` has named it) and take it back (`preempted`) any number of times.
"""

from collections.abc import Callable
from dataclasses import dataclass

from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.tenant_hints import ANONYMOUS, TenantHints
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
    AddTenant,
    QueueLimits,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    TreeProblem,
    compose,
)

ENGINE = EngineName("self")
NO_DOMAIN = TrustDomain("")
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
    """Nothing is predicted: inside the engine every token is seen."""
    return SchedulerSettings(
        tenants=(TenantShare(name=ANONYMOUS[0]),),
        policy=compose(settings.policy, prediction="none"),
        limits=_UNLIMITED,
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
        self.scheduler = scheduler(scheduler_settings(settings))
        self.reads_prefix = self.scheduler.settings.policy.reads_prefix
        self.scheduler.engine_changed(ENGINE, window=seats, models=(MODEL,))
        # Bounded by what the engine's front end lets in.
        self._ran: set[RequestId] = set()
        self._told_tokens: dict[RequestId, int] = {}

    def arrived(self, arrival: Arrival, now_ms: int) -> None:
        """It waits from now on."""
        hints = arrival.hints
        self._know(hints.tenant)
        request = Request(
            id=RequestId(arrival.id),
            tenant=hints.tenant,
            model=MODEL,
            body_bytes=0,
            prompt_tokens=arrival.input_tokens,
            output_tokens_max=arrival.output_tokens_max,
            queue_wait_ms_max=_FOREVER_MS,
            application=hints.application,
            lane=hints.lane,
            prefix=arrival.prefix,
            trust_domain=arrival.trust_domain,
        )
        submission = self.scheduler.submit(request, now_ms)
        assert submission.refused is None, "no policy inside an engine refuses"

    def head(self, now_ms: int) -> str | None:
        """Who is next; None: nobody may be started at the moment."""
        request = self.scheduler.ahead(now_ms)
        return None if request is None else request.id

    def start(self, now_ms: int) -> str:
        """Whom `head` has named is taken."""
        start = self.scheduler.next(now_ms)
        assert start is not None, "nobody is next"
        self._ran.add(start.request.id)
        return start.request.id

    def counted(self, request_id: str, input_tokens: int, cached_tokens: int, now_ms: int) -> None:
        """So much of the prompt of one that was started for the first time is in the engine's cache."""
        self.scheduler.prompt_counted(RequestId(request_id), input_tokens, cached_tokens, now_ms)

    def produced(self, request_id: str, output_tokens: int, now_ms: int) -> None:
        """So many tokens of its answer are there in all."""
        own = RequestId(request_id)
        new = output_tokens - self._told_tokens.get(own, 0)
        if new > 0:
            self._told_tokens[own] = output_tokens
            self.scheduler.produced(own, new, now_ms)

    def preempted(self, request_id: str, now_ms: int) -> None:
        """The engine took back one that was started: it waits again."""
        self.scheduler.preempted(RequestId(request_id), now_ms)

    def ended(self, request_id: str, usage: Usage, outcome: Outcome, now_ms: int) -> None:
        """It is over, whether it ran or still waited."""
        own = RequestId(request_id)
        self._told_tokens.pop(own, None)
        if own in self._ran:
            self._ran.remove(own)
            self.scheduler.settle(own, usage, outcome, now_ms)
        else:
            self.scheduler.cancel(own, now_ms)

    def standing(self, request_id: str) -> tuple[int, ...]:
        """A key for sorting: of the tenant that has had most for its weight, it is greatest."""
        return self.scheduler.standing(RequestId(request_id))

    def _know(self, tenant: TenantPath) -> None:
        """Make room in the share tree for a tenant that is heard of for the first time."""
        node = self.scheduler.tree.root
        parent: TenantPath = ()
        for name in tenant:
            child = node.children.get(name)
            if child is None:
                rest = tenant[len(parent) :]
                share = TenantShare(name=rest[-1])
                for above in reversed(rest[:-1]):
                    share = TenantShare(name=above, children=(share,))
                plan = self.scheduler.plan([AddTenant(parent, share)])
                assert not isinstance(plan, TreeProblem), plan
                self.scheduler.apply(plan)
                return
            node, parent = child, (*parent, name)

"""A simulated engine with a prefix cache of so many bytes, driven by a scheduler in virtual time.

One request after another: its time is what it extends and twice what it answers, in tokens of a byte.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TrustDomain, Usage
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare, TokenWeights, compose

ENGINE, MODEL = EngineName("e"), ModelName("m")
COST = TokenWeights(input=10, cached_input=1, output=20)


@dataclass
class Served:
    """Tokens that a tenant got while all had work."""

    input_tokens: int = 0
    cached_tokens: int = 0
    units: int = 0


@dataclass
class CachedEngine:
    """Whole documents, the least recently used dropped first; the scheduler is told."""

    bytes_max: int
    documents: OrderedDict[bytes, None] = field(default_factory=OrderedDict)

    def run(self, prefix: bytes, document: bytes, scheduler: Scheduler) -> int:
        """How much of the prompt was cached."""
        cached = len(document) if document in self.documents else 0
        self.documents[document] = None
        self.documents.move_to_end(document)
        while sum(map(len, self.documents)) > self.bytes_max:
            dropped, _ = self.documents.popitem(last=False)
            scheduler.evicted(ENGINE, dropped[:1], TrustDomain(""))
        return min(cached, len(prefix))


def serve(
    preset: str,
    backlog: Mapping[str, Sequence[tuple[bytes, bytes]]],
    *,
    output_tokens: int,
    cache_bytes: int,
    settings: Mapping[str, int],
) -> dict[str, Served]:
    """Prompts as (document, question) by tenant, all there from the beginning, served until the first
    tenant has no more."""
    scheduler = Scheduler(
        SchedulerSettings(
            tenants=tuple(TenantShare(name=name) for name in backlog),
            policy=compose(preset, prediction="none", settings=settings),
            cost=COST,
        )
    )
    scheduler.engine_changed(ENGINE, window=1, models=[MODEL])
    documents: dict[RequestId, bytes] = {}
    for name, prompts in backlog.items():
        for document, question in prompts:
            request_id = RequestId(f"{len(documents)}")
            documents[request_id] = document
            request = Request(
                id=request_id,
                tenant=(name,),
                model=MODEL,
                body_bytes=1,
                prompt_tokens=len(document) + len(question),
                queue_wait_ms_max=10**12,
                prefix=document + question,
            )
            assert scheduler.submit(request, 0).refused is None
    engine = CachedEngine(cache_bytes)
    served = {name: Served() for name in backlog}
    left = {name: len(prompts) for name, prompts in backlog.items()}
    now_ms = 0
    while all(left.values()):
        started = scheduler.next(now_ms)
        assert started is not None
        request = started.request
        tokens = request.prompt_tokens or 0
        cached = engine.run(request.prefix, documents[request.id], scheduler)
        now_ms += (tokens - cached + 2 * output_tokens) // 10
        usage = Usage(tokens, output_tokens, cached)
        settlement = scheduler.settle(request.id, usage, Outcome.COMPLETED, now_ms)
        (name,) = request.tenant
        left[name] -= 1
        of_tenant = served[name]
        of_tenant.input_tokens += tokens
        of_tenant.cached_tokens += cached
        of_tenant.units += settlement.units
    return served

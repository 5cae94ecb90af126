"""What the gateway tells its admin listener."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import evenhand
from evenhand.gateway.admin import CallStatus, EngineStatus, OpenCall
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.gateway import Gateway
from evenhand.gateway.shadow_host import ShadowHost
from evenhand.model import RequestId, TenantPath
from evenhand.scheduling import Explanation, LaneStanding, Scheduler
from evenhand.telemetry import Metrics, RequestRecord

_RUNNING = "running"


class GatewayStatus:
    """See `evenhand.gateway.admin.Status`."""

    def __init__(self, gateway: Gateway, *, body_bytes_max: int) -> None:
        self._gateway = gateway
        self._body_bytes_max = body_bytes_max
        self._loop = asyncio.get_running_loop()
        self._started_s = self._loop.time()

    @property
    def version(self) -> str:
        return evenhand.__version__

    @property
    def is_draining(self) -> bool:
        return self._gateway.is_draining

    @property
    def ledger_closed_because(self) -> str | None:
        return self._gateway.bookkeeping.closed_because

    @property
    def scheduler(self) -> Scheduler:
        return self._gateway.dispatcher.scheduler

    @property
    def metrics(self) -> Metrics:
        return self._gateway.metrics

    @property
    def shadow(self) -> ShadowHost | None:
        return self._gateway.shadow

    @property
    def request_units_max(self) -> int | None:
        """No token is shorter than a byte, so the body's limit bounds the input."""
        limits = self._gateway.limits
        output_tokens_max = limits.output_tokens_max * limits.choices_max
        return self.scheduler.request_units_max(self._body_bytes_max, output_tokens_max)

    def lanes(self) -> Sequence[LaneStanding]:
        return self.scheduler.lane_standings(self._gateway.dispatcher.now_ms())

    def open_calls(self) -> Iterator[OpenCall]:
        now_s = self._gateway.now_s()
        for call in self._gateway.calls:
            identity = call.holder.identity
            yield OpenCall(
                request_id=call.id,
                phase=call.phase,
                tenant=identity.tenant,
                application=identity.application,
                lane=identity.lane,
                model=call.record.model,
                engine=call.engine,
                age_ms=call.record.age_ms(now_s),
            )

    def ended_calls(self) -> Iterator[tuple[RequestRecord, str | None]]:
        return self._gateway.recent.last_first()

    def call(self, request_id: RequestId) -> CallStatus | None:
        for call in self._gateway.calls:
            if call.id == request_id:
                return CallStatus(call.phase, call.holder.identity.tenant, call.engine, None)
        recent = self._gateway.recent.get(request_id)
        if recent is None:
            return None
        record, message = recent
        tenant, engine, outcome = record["tenant"], record["engine"], record["outcome"]
        return CallStatus("ended", tenant, engine, outcome, message)

    def why(self, request_id: RequestId) -> Explanation | None:
        dispatcher = self._gateway.dispatcher
        return dispatcher.scheduler.why(request_id, dispatcher.now_ms())

    # What the sampler asks beside that (see `evenhand.telemetry.samples.Source`).

    def now_ms(self) -> int:
        return self._gateway.dispatcher.now_ms()

    def open_tenants(self) -> set[TenantPath]:
        return {call.holder.identity.tenant for call in self._gateway.calls}

    def tokens_in_flight(self) -> Mapping[TenantPath, int]:
        expected_usage = self.scheduler.expected_usage
        tokens: dict[TenantPath, int] = {}
        for call in self._gateway.calls:
            if call.phase == _RUNNING:
                usage, tenant = expected_usage(call.id), call.holder.identity.tenant
                held = usage.input_tokens + usage.output_tokens
                tokens[tenant] = tokens.get(tenant, 0) + held
        return tokens

    def uptime_ms(self) -> int:
        return int((self._loop.time() - self._started_s) * 1000)

    def engines(self) -> Sequence[EngineStatus]:
        now_ms = self._gateway.dispatcher.now_ms()
        links = self._gateway.dispatcher.engines.values()
        return [_engine_status(link, now_ms) for link in links]


def _engine_status(link: EngineLink, now_ms: int) -> EngineStatus:
    status = EngineStatus(
        link.name,
        link.is_up,
        link.reason,
        report=link.report,
        report_age_ms=None if link.report_ms is None else now_ms - link.report_ms,
        signals=link.signals,
        signals_missing=link.signals_missing,
        is_drained=link.is_drained,
        circuit=link.circuit.state,
        circuit_because=link.circuit.because,
        circuit_openings={str(why): count for why, count in link.circuit.openings.items()},
        given_up=len(link.ghosts),
        given_up_total=link.ghosts.count_total,
    )
    if link.control is None:
        return status
    reason = link.control.reason
    return replace(status, window_reason=reason.value, window_because=reason.words)

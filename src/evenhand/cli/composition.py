"""From a configuration to the parts it describes. Nothing is decided here, only handed on."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from evenhand import scheduling
from evenhand.cli.config import (
    Config,
    EmbeddedEngine,
    Key,
    ResolvedSecrets,
    State,
    Tenant,
    Tls,
    UrlEngine,
    chosen,
)
from evenhand.cli.money import price_book
from evenhand.engines.embedded import EmbeddedSettings
from evenhand.engines.http import ClientSettings
from evenhand.gateway.bookkeeping import BookingSettings, LowestLane
from evenhand.gateway.http.settings import EdgeSettings
from evenhand.gateway.identity import Identity, KeyRing
from evenhand.gateway.server import Listening
from evenhand.gateway.settings import CallLimits
from evenhand.gateway.tls import Certificate, TlsFiles
from evenhand.ledger import Budget
from evenhand.model import ApplicationName, KeyId, LaneName, ModelName, TrustDomain
from evenhand.scheduling import (
    PRESETS,
    Policy,
    QueueLimits,
    SchedulerSettings,
    TenantShare,
    TokenWeights,
)
from evenhand.scheduling.window import WindowControl, WindowLimits
from evenhand.stores import CommitSettings, Pepper
from evenhand.telemetry import RequestLog
from evenhand.wire.api_name import ApiName


def scheduler_settings(config: Config) -> SchedulerSettings:
    """What decides. In observe mode a plain queue: first come first served, and whoever finds it full is
    refused."""
    settings = policy_settings(config)
    if config.mode == "enforce":
        return settings
    plain = _arrival_order(settings.policy)
    limits = replace(
        settings.limits,
        tenant_requests_max=settings.limits.requests_max,
        tenant_bytes_max=settings.limits.bytes_max,
    )
    return replace(settings, policy=plain, limits=limits, sheds=False, lanes=())


def _arrival_order(tried: Policy) -> Policy:
    """First come, first served, charged as the policy that is tried charges."""
    control = PRESETS["fcfs"]
    return replace(
        tried.swapped(
            order=control.order,
            queue=control.queue,
            placement=control.placement,
            admission=control.admission,
        ),
        name=control.name,
        summary=control.summary,
        source=control.source,
        page=control.page,
        bound=control.bound,
    )


def policy_settings(config: Config) -> SchedulerSettings:
    """The policy as configured, whether it is enforced or only tried."""
    limits = config.limits
    return SchedulerSettings(
        tenants=_shares(config.tenants),
        policy=chosen(config.policy),
        cost=TokenWeights(
            input=config.cost.input,
            cached_input=config.cost.cached_input,
            output=config.cost.output,
        ),
        limits=QueueLimits(
            requests_max=limits.queue_requests_max,
            bytes_max=limits.queue_bytes_max,
            tenant_requests_max=limits.tenant_queue_requests_max,
            tenant_bytes_max=limits.tenant_queue_bytes_max,
        ),
        output_tokens_default=limits.output_tokens_default,
        application_units={
            ApplicationName(application.name): application.expected_units
            for application in config.applications
        },
        lanes=_lanes(config),
    )


def key_ring(config: Config, secrets: ResolvedSecrets, pepper: Pepper | None) -> KeyRing:
    identify = identification(config)
    return KeyRing(
        (
            (secret.reveal(), identify(key, KeyId(str(key.key))))
            for key, secret in zip(config.keys, secrets.keys, strict=True)
        ),
        pepper,
    )


def identification(config: Config) -> Callable[[Key, KeyId], Identity]:
    """What a key that the configuration has a place for stands for."""
    waits_ms = {lane.name: _ms(lane.queue_wait_s_max) for lane in config.lanes}
    currency = "" if config.prices is None else config.prices.currency

    def identify(key: Key, key_id: KeyId) -> Identity:
        wait_ms = waits_ms[key.lane]
        return _identity(key, key_id, queue_wait_ms_max=wait_ms, currency=currency)

    return identify


def call_limits(config: Config) -> CallLimits:
    limits = config.limits
    return CallLimits(
        json_depth_max=limits.json_depth_max,
        choices_max=limits.choices_max,
        embedding_inputs_max=limits.embedding_inputs_max,
        output_tokens_max=limits.output_tokens_max,
        output_tokens_default=limits.output_tokens_default,
        answer_bytes_max=limits.answer_bytes_max,
        event_bytes_max=limits.event_bytes_max,
        drain_ms=_ms(limits.drain_s),
    )


def model_aliases(config: Config) -> dict[ModelName, ModelName]:
    return {ModelName(alias): ModelName(model) for alias, model in config.aliases.items()}


def served_apis(engine: EmbeddedEngine | UrlEngine) -> frozenset[ApiName] | None:
    """What is said of an engine; None: it serves what its kind does."""
    if isinstance(engine, EmbeddedEngine) or engine.apis is None:
        return None
    return frozenset(ApiName(name) for name in engine.apis)


def edge_settings(config: Config) -> EdgeSettings:
    limits = config.limits
    return EdgeSettings(
        head_bytes_max=limits.head_bytes_max,
        head_fields_max=limits.head_fields_max,
        body_bytes_max=limits.body_bytes_max,
        connections_max=limits.connections_max,
        head_timeout_ms=_ms(limits.head_timeout_s),
        body_timeout_ms=_ms(limits.body_timeout_s),
        idle_timeout_ms=_ms(limits.idle_timeout_s),
        write_stall_ms=_ms(limits.write_stall_s),
        client_buffer_bytes_max=limits.client_buffer_bytes_max,
    )


def booking_settings(config: Config) -> BookingSettings:
    assert config.state is not None
    lowest = config.lanes[-1]
    return BookingSettings(
        prices=price_book(config),
        lowest_lane=LowestLane(LaneName(lowest.name), _ms(lowest.queue_wait_s_max)),
        output_tokens_default=config.limits.output_tokens_default,
        entries_max=config.state.entries_waiting_max,
    )


def commit_settings(state: State) -> CommitSettings:
    return CommitSettings(
        interval_ms=_ms(state.commit_interval_s), timeout_ms=_ms(state.commit_timeout_s)
    )


def listening(config: Config, log: RequestLog) -> Listening:
    """Raises PairError where a certificate that was sound a moment ago is not any more."""
    return Listening(
        host=config.listen.host,
        port=config.listen.port,
        admin_host=config.admin.listen.host,
        admin_port=config.admin.listen.port,
        admin_host_names=config.admin.host_names,
        tenants_max=config.limits.metrics_tenants_max,
        certificate=_certificate("data", config.tls, log),
        admin_certificate=_certificate("admin", config.admin.tls, log),
    )


def client_settings(config: Config) -> ClientSettings:
    return ClientSettings(
        first_byte_timeout_ms=_ms(config.limits.first_byte_timeout_s),
        silence_timeout_ms=_ms(config.limits.chunk_timeout_s),
    )


def abort_grace_ms(config: Config) -> int:
    return _ms(config.limits.abort_grace_s)


def window_of(
    engine: EmbeddedEngine | UrlEngine, config: Config
) -> tuple[int, WindowControl | None]:
    """Its size to begin with, and who moves it; None: it stays."""
    if engine.window != "auto":
        return engine.window, None
    slots = engine.slots if isinstance(engine, EmbeddedEngine) else None
    usual = WindowLimits()
    least = engine.window_min or usual.minimum
    most = engine.window_max or max(least, usual.maximum)
    kept = 0
    if config.mode == "enforce":
        kept = sum(lane.floor_percent for lane in config.lanes if lane.keep_floor_free)
    limits = WindowLimits(
        minimum=min(least, most), maximum=most, slots=slots, kept_free_percent=kept
    )
    control = WindowControl(limits)
    return control.window, control


def embedded_settings(engine: EmbeddedEngine) -> EmbeddedSettings:
    return EmbeddedSettings(
        model_file=Path(engine.model_file) if engine.model_file else None,
        slots=engine.slots,
        context_tokens=engine.context_tokens,
        pooling=engine.embeddings,
        threads=engine.threads,
        memory_bytes_max=engine.memory_mib_max << 20,
    )


def _certificate(listener: str, tls: Tls | None, log: RequestLog) -> Certificate | None:
    return Certificate(listener, TlsFiles(tls.certificate, tls.key), log) if tls else None


def _lanes(config: Config) -> tuple[scheduling.Lane, ...]:
    """None where there is one, of which nothing is said that the scheduler could do."""
    lanes = tuple(
        scheduling.Lane(
            name=LaneName(lane.name),
            ttft_ms_target=None if lane.ttft_s is None else _ms(lane.ttft_s),
            floor_percent=lane.floor_percent,
            keeps_floor_free=lane.keep_floor_free,
            ceiling_percent=lane.ceiling_percent,
            price_percent=lane.price_percent,
            ageing_ms=_ms(lane.ageing_s),
        )
        for lane in config.lanes
    )
    return () if lanes == (scheduling.Lane(name=lanes[0].name),) else lanes


def _shares(tenants: Iterable[Tenant]) -> tuple[TenantShare, ...]:
    return tuple(
        TenantShare(name=tenant.name, weight=tenant.weight, children=_shares(tenant.children))
        for tenant in tenants
    )


def _identity(key: Key, key_id: KeyId, *, queue_wait_ms_max: int, currency: str) -> Identity:
    models = None if key.allows_all_models else frozenset(ModelName(m) for m in key.models)
    limits = key.limits
    budget = Budget(nano_max=limits.spend_max, tokens_max=limits.tokens_max, currency=currency)
    return Identity(
        key_id=key_id,
        tenant=tuple(key.tenant),
        application=ApplicationName(key.application),
        trust_domain=TrustDomain(key.trust_domain),
        lane=LaneName(key.lane),
        queue_wait_ms_max=queue_wait_ms_max,
        models=models,
        open_requests_max=limits.open_requests_max,
        output_tokens_max=limits.output_tokens_max,
        budget=budget if limits.is_budget else None,
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)

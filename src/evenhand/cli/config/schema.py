"""The configuration as a whole. Its models are the one source of what is accepted: the reference
page and the JSON schema are made from them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from evenhand.cli.config.address import Address, HostName, ListenAddress
from evenhand.cli.config.admin_credentials import AdminCredential
from evenhand.cli.config.alarms import Alarms
from evenhand.cli.config.aliases import Aliases
from evenhand.cli.config.applications import Application
from evenhand.cli.config.budgets import TenantBudget
from evenhand.cli.config.engines import Engine
from evenhand.cli.config.identity import IdentityProviders
from evenhand.cli.config.keys import Key
from evenhand.cli.config.limits import Limits
from evenhand.cli.config.policy import Policy
from evenhand.cli.config.prices import Prices
from evenhand.cli.config.scalars import SECTION, Name, Seconds, between
from evenhand.cli.config.secrets import Reference
from evenhand.cli.config.state import State
from evenhand.cli.config.tenants import TENANTS_MAX, Tenant
from evenhand.cli.config.tls import Tls
from evenhand.cli.config.traces import TraceExport
from evenhand.cli.config.traffic_log import TrafficLog


class Admin(BaseModel):
    """The admin listener: liveness, readiness, metrics, live state. Keep it off public networks."""

    model_config = SECTION

    listen: ListenAddress = Address("127.0.0.1", 8081)
    """Where the admin listener waits; port 0 lets the system pick."""
    credential: Reference | None = None
    """The owner's credential, which may do everything: sent as `Authorization: Bearer`, or entered at
    `/signin`. Without it and without `credentials` everything is open to everybody; that is allowed only
    while `listen` is a loopback address."""
    credentials: Annotated[tuple[AdminCredential, ...], Field(max_length=64)] = ()
    """More credentials, each with a name and a role. A tenant's own API key needs no entry: it opens its
    own pages under `/me` and `/api/v1/me`."""
    host_names: Annotated[tuple[HostName, ...], Field(max_length=64)] = ()
    """Names by which this listener is reached, such as that of a proxy in front of it. Requests under
    other names are refused then; addresses and `localhost` are always allowed. Left out: any name, as
    long as a credential is asked for."""
    tls: Tls | None = None
    """TLS on the admin listener. Left out: plain HTTP."""


class Cost(BaseModel):
    """Service units that one token costs: the measure in which shares are counted."""

    model_config = SECTION

    input: Annotated[int, between(1, 1_000_000)] = 10
    """Units per input token that the engine had to compute."""
    cached_input: Annotated[int, between(0, 1_000_000)] = 1
    """Units per input token that the engine had in its prefix cache; at most `input`."""
    output: Annotated[int, between(1, 1_000_000)] = 20
    """Units per output token."""


class Lane(BaseModel):
    """A lane is a class of service, chosen by the key: it decides when, while the shares of the
    tenants decide who. Of several lanes, the one that stands first here goes first. No lane starves, and
    no slot stays free while somebody waits for it. A lane is in force where there is more than one, or
    where the one has more than a name and a `queue_wait_s_max`. `mode: observe` serves without
    lanes."""

    model_config = SECTION

    name: Name
    """What keys name. Unique."""
    queue_wait_s_max: Annotated[Seconds, between(0.05, 86_400)] = 120
    """Seconds a request may wait for an engine before it is refused (504)."""
    ttft_s: Annotated[Seconds, between(0.001, 86_400)] | None = None
    """The deadline of a first token, in seconds after the request has come. While somebody has waited
    for longer, the lane may exceed its ceiling at the cost of the lanes after it. Left out: no deadline,
    and the ceiling holds."""
    floor_percent: Annotated[int, between(0, 100)] = 0
    """Part of the windows of all engines that are up, rounded down to whole slots, which the lane can
    count on: with less than that in flight it goes before lanes that have theirs. All floors together
    are at most 100."""
    keep_floor_free: bool = False
    """What the lane does not use of its floor stays free for it, so that its requests need not wait for
    others to end. Costs what those slots would have done meanwhile. All such floors together are less
    than 100."""
    ceiling_percent: Annotated[int, between(1, 100)] = 100
    """Part of the windows of all engines that are up, rounded down to whole slots but at least one, from
    which on the lane lets all others go first. What nobody else wants it may have beyond that."""
    price_percent: Annotated[int, between(1, 10_000)] = 100
    """What the work of the lane costs its tenant, in percent of the normal price in units: 200 counts it
    twice against the tenant's share. Money is not affected."""
    ageing_s: Annotated[Seconds, between(0.001, 86_400)] = 10
    """Seconds after which a lane that waits while others go first gets one start before all others. More
    than engines usually take to free a slot, or the order of lanes means little."""


class Config(BaseModel):
    """Everything that `evenhand serve` reads, in one YAML file.

    The lists that must not be empty default to empty, so that `checks` can explain that along with
    everything else that is wrong.
    """

    model_config = ConfigDict(
        **SECTION,
        json_schema_extra={
            "required": ["engines", "tenants"],
            "anyOf": [{"required": ["keys"]}, {"required": ["state"]}],
        },
    )

    listen: ListenAddress = Address("127.0.0.1", 8080)
    """Where clients connect; an IPv6 address stands in brackets; port 0 lets the system pick."""
    tls: Tls | None = None
    """TLS where clients connect. Left out: plain HTTP, which suits loopback, or a proxy in front."""
    admin: Admin = Admin()
    """The admin listener."""
    engines: Annotated[
        tuple[Engine, ...], Field(max_length=256, json_schema_extra={"minItems": 1})
    ] = ()
    """The engines that do the work, at least one."""
    aliases: Aliases = {}
    """Other names for models, as `gpt-4o: my-model`: a client may ask for either. Rights, prices and the
    books go by the model, and answers name it."""
    tenants: Annotated[
        tuple[Tenant, ...], Field(max_length=TENANTS_MAX, json_schema_extra={"minItems": 1})
    ] = ()
    """The share tree, at least one tenant; at most 8 levels and 100000 tenants in all."""
    policy: Policy = Policy()
    """Who runs next."""
    mode: Literal["enforce", "observe"] = "enforce"
    """`enforce` serves in the order of `policy`. `observe` serves in the order of arrival, and
    reports what the order of `policy` would have changed (`evenhand observed`): a trial beside live
    traffic. The queue limits of single tenants refuse nobody then; at the limits of the whole
    queue the arrival itself is refused (503)."""
    cost: Cost = Cost()
    """What a token costs."""
    lanes: Annotated[tuple[Lane, ...], Field(min_length=1, max_length=64)] = (Lane(name="default"),)
    """The lanes that keys may name, those that go first before the others."""
    applications: Annotated[tuple[Application, ...], Field(max_length=1_000)] = ()
    """What calls of some applications are expected to use, where the policy asks."""
    alarms: Alarms = Alarms()
    """From where on something is an alarm."""
    limits: Limits = Limits()
    """What nothing may exceed."""
    state: State | None = None
    """Where usage and keys are kept. Left out: nothing is, and a restart begins anew."""
    prices: Prices | None = None
    """What tokens cost in money. Left out: tokens are counted, money is not."""
    budgets: Annotated[tuple[TenantBudget, ...], Field(max_length=10_000)] = ()
    """What tenants and keys may use each day, week or month, beside the limits of single keys."""
    traffic_log: TrafficLog | None = None
    """Where traffic is recorded for the simulator. Left out: nowhere."""
    traces: TraceExport | None = None
    """Where requests are sent as OpenTelemetry spans. Left out: nowhere."""
    identity: IdentityProviders = IdentityProviders()
    """Identity providers whose tokens are taken beside API keys."""
    keys: Annotated[tuple[Key, ...], Field(max_length=100_000)] = ()
    """The API keys. At least one, unless there is a `state` section: then `evenhand keys` makes more
    while the gateway runs."""

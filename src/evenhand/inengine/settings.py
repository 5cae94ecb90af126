"""What an operator says of the scheduling inside an engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evenhand.inengine.settings_document import InEngineSettingsError, Section
from evenhand.model import LaneName, TenantPath
from evenhand.scheduling import PRESETS, WEIGHT_MAX, Lane, TenantShare

__all__ = ["InEngineSettings", "InEngineSettingsError", "LaneCaps"]

DEPTH_MAX = 8
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneCaps:
    """What the requests of a lane may ask of the engine. `inter_token_ms`: prompts of others are cut so
    that steps take no longer while an answer of this lane runs. None: as the engine has it."""

    inter_token_ms: int | None = None
    output_tokens_max: int | None = None
    thinking_tokens_max: int | None = None


NO_CAPS = LaneCaps()


@dataclass(frozen=True, slots=True, kw_only=True)
class InEngineSettings:
    """`policy` is a preset. `tenants` are shares that are known beforehand; of others `tenants_max` may
    be heard of, whoever comes then is of the tenant `others`. `lanes` in order of precedence; a request
    of none of these is of the last.

    `hints_secret` names the secret by which what a gateway says of a request is known to be the
    gateway's. `trust_hints`: without one, who reaches the engine may say which tenant a request is of;
    only for an engine that nobody but a gateway reaches. `keys` and `header` are for an engine without a
    gateway: the tenant of an API key, by its SHA-256 in hex, and the header that names it.

    `prompt_tokens_min` is what a step may compute of prompts at least, however late it makes answers.
    `kv_ceiling_percent` is the part of the engine's memory that a tenant's requests may take, unless
    `kv_ceilings_percent` has another for it or for a node above it.
    """

    policy: str = "vtc"
    tenants: tuple[TenantShare, ...] = ()
    tenants_max: int = 10_000
    lanes: tuple[Lane, ...] = ()
    lane_caps: Mapping[LaneName, LaneCaps] = field(default_factory=dict)
    trust_hints: bool = False
    hints_secret: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    header: str | None = None
    fair_batching: bool = True
    fair_preemption: bool = True
    prompt_tokens_min: int = 64
    kv_ceiling_percent: int | None = None
    kv_ceilings_percent: Mapping[TenantPath, int] = field(default_factory=dict)
    event_log: str | None = None
    event_log_mib_max: int = 1024
    gpu_time_file: str | None = None
    report_s: int = 60

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "InEngineSettings":
        """As an operator wrote it. Raises InEngineSettingsError."""
        said = Section(document, "the settings")
        lanes = said.sections("lanes")
        read = [_lane(section) for section in lanes]
        names = [lane.name for lane, _ in read]
        if len(set(names)) < len(names):
            raise InEngineSettingsError("evenhand: two lanes have one name. Give each its own.")
        floors = sum(lane.floor_percent for lane, _ in read)
        if floors > 100:
            raise InEngineSettingsError(
                f"evenhand: the floors add up to {floors} percent. Lower them to 100 in all."
            )
        settings = cls(
            policy=_policy(said),
            tenants=_tenants(said, depth=1),
            tenants_max=said.integer("tenants_max", 10_000, 1, 1_000_000),
            lanes=tuple(lane for lane, _ in read),
            lane_caps={lane.name: caps for lane, caps in read},
            trust_hints=said.flag("trust_hints", default=False),
            hints_secret=said.text("hints_secret", None),
            keys=_keys(said),
            header=said.text("header", None),
            fair_batching=said.flag("fair_batching", default=True),
            fair_preemption=said.flag("fair_preemption", default=True),
            prompt_tokens_min=said.integer("prompt_tokens_min", 64, 1, 1 << 20),
            kv_ceiling_percent=said.integer("kv_ceiling_percent", None, 1, 100),
            kv_ceilings_percent=_ceilings(said),
            event_log=said.text("event_log", None),
            event_log_mib_max=said.integer("event_log_mib_max", 1024, 1, 1 << 20),
            gpu_time_file=said.text("gpu_time_file", None),
            report_s=said.integer("report_s", 60, 0, 86_400),
        )
        said.done()
        return settings

    def lane(self, name: LaneName) -> LaneName:
        """The lane of a request that says it is of `name`."""
        if not self.lanes or name in self.lane_caps:
            return name
        return self.lanes[-1].name

    def caps(self, name: LaneName) -> LaneCaps:
        """Of a lane that `lane` has found."""
        return self.lane_caps.get(name, NO_CAPS)


def path_of(text: str) -> TenantPath | None:
    """A tenant as it is written, `acme/search`; None: it is none."""
    path = tuple(text.split("/"))
    return path if all(path) and len(path) <= DEPTH_MAX and len(text) <= 1024 else None


def _policy(said: Section) -> str:
    policy = said.text("policy", "vtc")
    if policy not in PRESETS:
        raise InEngineSettingsError(
            f"evenhand: there is no policy {policy!r}. Use one of {', '.join(PRESETS)}."
        )
    return policy


def _tenants(said: Section, *, depth: int) -> tuple[TenantShare, ...]:
    member = "tenants" if depth == 1 else "children"
    shares = []
    for section in said.sections(member):
        name = section.text("name", None)
        if name is None or "/" in name:
            raise InEngineSettingsError(
                f"evenhand: {section.at('name')} is to be the name of a tenant, without a slash."
            )
        weight = section.integer("weight", 1, 1, WEIGHT_MAX)
        children = _tenants(section, depth=depth + 1)
        if children and depth == DEPTH_MAX:
            raise InEngineSettingsError(
                f"evenhand: {section.at('children')} are deeper than {DEPTH_MAX} levels."
            )
        section.done()
        shares.append(TenantShare(name=name, weight=weight, children=children))
    if len({share.name for share in shares}) < len(shares):
        raise InEngineSettingsError(
            f"evenhand: two of {said.at(member)} have one name. Give each its own."
        )
    return tuple(shares)


def _lane(said: Section) -> tuple[Lane, LaneCaps]:
    name = said.text("name", None)
    if name is None:
        raise InEngineSettingsError(f"evenhand: {said.at('name')} is missing. Give the lane one.")
    floor = said.integer("floor_percent", 0, 0, 100)
    lane = Lane(
        name=LaneName(name),
        ttft_ms_target=said.integer("ttft_ms_target", None, 0, _DAY_MS),
        floor_percent=floor,
        ceiling_percent=said.integer("ceiling_percent", 100, max(1, floor), 100),
        price_percent=said.integer("price_percent", 100, 1, 1_000_000),
        ageing_ms=said.integer("ageing_ms", 10_000, 0, _DAY_MS),
    )
    caps = LaneCaps(
        inter_token_ms=said.integer("inter_token_ms", None, 1, _DAY_MS),
        output_tokens_max=said.integer("output_tokens_max", None, 1),
        thinking_tokens_max=said.integer("thinking_tokens_max", None, 0),
    )
    said.done()
    return lane, caps


def _ceilings(said: Section) -> dict[TenantPath, int]:
    ceilings = {}
    for text, percent in said.mapping("kv_ceilings_percent").items():
        path = path_of(text)
        is_part = isinstance(percent, int) and not isinstance(percent, bool) and 1 <= percent <= 100
        if path is None or not is_part:
            raise InEngineSettingsError(
                f'evenhand: kv_ceilings_percent is to be as {{"acme/search": 30}}, a tenant and a whole'
                f" number from 1 to 100, not {text!r}: {percent!r}."
            )
        ceilings[path] = percent
    return ceilings


def _keys(said: Section) -> dict[str, str]:
    keys = said.mapping("keys")
    for digest, tenant in keys.items():
        is_digest = len(digest) == 64 and not set(digest) - set("0123456789abcdef")
        if not is_digest or not isinstance(tenant, str) or path_of(tenant) is None:
            raise InEngineSettingsError(
                "evenhand: keys is to be as {SHA256: tenant}, the SHA-256 of an API key in 64 hex digits"
                " (printf %s KEY | sha256sum) and a tenant's path."
            )
    return keys

"""What a policy is tried on: tenants, engines, and requests of every kind. Seeded."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from evenhand.model import (
    ApplicationName,
    EngineName,
    InteractionId,
    LaneName,
    ModelName,
    Request,
    RequestId,
    TenantPath,
    TrustDomain,
)
from evenhand.scheduling import Lane, TenantShare

INPUT_TOKENS_MAX = 400
OUTPUT_TOKENS_MAX = 200
CHOICES_MAX = 2
WAIT_MS_MAX = 20_000
_BODY_BYTES_MAX = 2_000
_PREFIXES = tuple(bytes([letter]) * 64 for letter in b"abcd")

_TREES = (
    (("a", 1, ()), ("b", 1, ()), ("c", 1, ())),
    (("a", 1, ()), ("b", 2, ()), ("c", 7, ())),
    (("a", 2, (("x", 1, ()), ("y", 3, ()))), ("b", 1, (("x", 1, ()), ("y", 1, ())))),
    (("a", 3, (("t", 1, (("u", 1, ()), ("v", 2, ()))), ("w", 1, ()))), ("b", 1, ()), ("c", 1, ())),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`is_one_pool`: all who wait compete for the same engines, which is where a bound is claimed."""

    tenants: tuple[TenantShare, ...]
    engines: Mapping[EngineName, tuple[ModelName, ...]]
    window_max: int
    is_one_pool: bool
    lanes: tuple[Lane, ...] = ()

    @property
    def models(self) -> tuple[ModelName, ...]:
        """All that are served, in order."""
        return tuple(dict.fromkeys(model for models in self.engines.values() for model in models))


def scenes(seed: int) -> tuple[Scene, Scene]:
    """One with a single pool and a small window, in which a bound is tight; one with several pools
    and lanes."""
    tenants = _shares(_TREES[seed % len(_TREES)])
    one_pool = Scene(
        tenants=tenants,
        engines={EngineName("e"): (ModelName("m"),)},
        window_max=2,
        is_one_pool=True,
    )
    m, n = ModelName("m"), ModelName("n")
    several = {EngineName("e"): (m,), EngineName("f"): (m, n), EngineName("g"): (n,)}
    lanes = (
        Lane(name=LaneName("quick"), ttft_ms_target=500, ceiling_percent=60, price_percent=150),
        Lane(name=LaneName("bulk"), floor_percent=20, ageing_ms=2_000),
    )
    return one_pool, Scene(
        tenants=tenants, engines=several, window_max=3, is_one_pool=False, lanes=lanes
    )


_Branch = tuple[str, int, tuple["_Branch", ...]]


def _shares(branches: tuple[_Branch, ...]) -> tuple[TenantShare, ...]:
    return tuple(
        TenantShare(name=name, weight=weight, children=_shares(children))
        for name, weight, children in branches
    )


def draw_request(
    dice: Random,
    number: int,
    tenant: TenantPath,
    model: ModelName,
    *,
    lane: LaneName,
    is_large: bool,
) -> Request:
    """With and without output, inside interactions and alone, with prompts that begin alike. `lane` is
    the name of one of the scene's."""
    output = OUTPUT_TOKENS_MAX if is_large else dice.choice([0, 1, dice.randint(1, 20)])
    choices = dice.choice([1, CHOICES_MAX])
    prefix = dice.choice(_PREFIXES)
    return Request(
        id=RequestId(f"r{number}"),
        tenant=tenant,
        model=model,
        body_bytes=dice.randint(1, _BODY_BYTES_MAX),
        prompt_tokens=INPUT_TOKENS_MAX if is_large else dice.choice([0, 1, dice.randint(1, 40)]),
        output_tokens_max=output,
        choices=choices,
        queue_wait_ms_max=WAIT_MS_MAX,
        application=ApplicationName(dice.choice(["chat", "batch"])),
        interaction=InteractionId(dice.choice(["", f"i{number // 5}"])),
        lane=lane,
        prefix=prefix[: dice.randint(1, len(prefix))] + bytes([dice.randrange(4)]),
        trust_domain=TrustDomain(tenant[0]),
        output_tokens_true=dice.randint(0, output * choices),
    )

"""What the scheduler's machine stands on: tenants, engines, lanes, and the kinds of requests."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

from hypothesis import strategies as st

from evenhand.model import ApplicationName, InteractionId, LaneName
from evenhand.scheduling import Lane, TenantShare, TokenWeights

INPUT_TOKENS_MAX = 60
OUTPUT_TOKENS_MAX = 40
CHOICES_MAX = 2
COST = TokenWeights(input=10, cached_input=1, output=20)
BODY_BYTES_MAX = 400
WAIT_MS_MAX = 20_000


def share(name: str, weight: int = 1, *children: TenantShare) -> TenantShare:
    return TenantShare(name=name, weight=weight, children=children)


TREES = [
    (share("a"), share("b")),
    (share("a", 1), share("b", 2), share("c", 5)),
    (share("a", 2, share("x"), share("y", 3)), share("b", 1, share("x"), share("y"))),
    (share("a", 3, share("t", 1, share("u"), share("v", 2)), share("w")), share("b"), share("c")),
]

LANES = (
    Lane(
        name=LaneName("fast"),
        ttft_ms_target=1_000,
        ceiling_percent=50,
        price_percent=333,
        ageing_ms=2_000,
    ),
    Lane(name=LaneName("normal"), floor_percent=25, ageing_ms=1_000),
    Lane(
        name=LaneName("slow"),
        floor_percent=25,
        ceiling_percent=40,
        price_percent=50,
        ageing_ms=3_000,
    ),
)
BY_NAME = {lane.name: lane for lane in LANES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Engines by name with their models, and how they are used. `tries_again`: what failed is tried
    elsewhere. `models_change`: what an engine serves changes. `lane_of_tenant`: each uses one lane.
    `is_inside`: the engine's own scheduler is the host, which takes back what runs and holds back who
    waits."""

    engines: Mapping[str, tuple[str, ...]]
    window_max: int = 3
    lanes: tuple[Lane, ...] = ()
    lane_of_tenant: bool = True
    tries_again: bool = False
    models_change: bool = False
    is_inside: bool = False

    @property
    def models(self) -> tuple[str, ...]:
        """All that are served."""
        return tuple(sorted({model for models in self.engines.values() for model in models}))


ONE_ENGINE = Ground(engines={"e1": ("m1",)}, window_max=2)
INSIDE = replace(ONE_ENGINE, window_max=4, is_inside=True)
WORKERS = Ground(engines={"e1": ("m1",), "e2": ("m1",), "e3": ("m1",)}, window_max=2)
ONE_LANE_EACH = Ground(engines={"e1": ("m1",)}, lanes=LANES)
KEPT_FLOORS = Ground(
    engines={"e1": ("m1",), "e2": ("m1", "m2")},
    window_max=4,
    lanes=(
        replace(LANES[0], floor_percent=34, keeps_floor_free=True),
        LANES[1],
        replace(LANES[2], keeps_floor_free=True),
    ),
    lane_of_tenant=False,
    is_inside=True,
)
ANY_LANE = Ground(
    engines={"e1": ("m1",), "e2": ("m1", "m2"), "e3": ("m2",)},
    lanes=LANES,
    lane_of_tenant=False,
    tries_again=True,
    is_inside=True,
)
SEVERAL_MODELS = Ground(
    engines={"e1": ("m1",), "e2": ("m1", "m2"), "e3": ("m2",)}, tries_again=True
)
UNSTEADY = Ground(
    engines={"e1": ("m1",), "e2": ("m1", "m2"), "e3": ("m1",)},
    tries_again=True,
    models_change=True,
    is_inside=True,
)
CLAIMED = (ONE_ENGINE, WORKERS, ONE_LANE_EACH)
"""Where a tenant uses one pool, a bound is claimed."""
GROUNDS = (*CLAIMED, *CLAIMED, INSIDE, ANY_LANE, SEVERAL_MODELS, UNSTEADY)


class Kind(NamedTuple):
    """What a request is besides its size."""

    application: ApplicationName
    interaction: InteractionId
    prefix: bytes


PREFIXES = (b"", b"a", b"ab", b"abc", b"abd", b"b", b"bbbb")
KINDS = tuple(
    Kind(ApplicationName(application), InteractionId(interaction), prefix)
    for application, interaction, prefix in product(
        ("chat", "search", "batch"), ("", "", "i", "j"), PREFIXES
    )
)


class Arrival(NamedTuple):
    """A request before it is known who is there: `place` chooses a tenant and a model."""

    place: int
    tokens: int
    output: int
    choices: int
    size: int
    kind: Kind


ARRIVALS = st.builds(
    Arrival,
    place=st.integers(0, 999),
    tokens=st.integers(0, INPUT_TOKENS_MAX),
    output=st.integers(0, OUTPUT_TOKENS_MAX),
    choices=st.integers(1, CHOICES_MAX),
    size=st.integers(0, BODY_BYTES_MAX),
    kind=st.sampled_from(KINDS),
)

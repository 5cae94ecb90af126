"""What can be set about a simulated gateway and its engines, beside workload, policy and profile."""

from dataclasses import dataclass
from math import inf

from evenhand.sim.faults import Fault
from evenhand.sim.profile import EngineProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One of them, by name. `meaning` has the unit; None as a default says the same in words."""

    name: str
    meaning: str
    minimum: float
    maximum: float = inf
    is_whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSettings:
    """None: the engine profile's own value, or no limit."""

    window: int | None = None
    charge_every_ms: float = 500.0
    kv_tokens: int | None = None
    sequences_max: int | None = None
    queue_wait_s_max: float | None = None
    patience_s: float | None = None
    gateways: int = 1
    sync_s: float | None = None
    home_share: float | None = None
    slots_follow: int = 0
    faults: tuple[Fault, ...] = ()
    hears_evictions: bool = False
    """Engines tell the core what their caches drop, as D2LPM's dispatcher is told; Evenhand's gateway is
    not."""

    def profile(self, profile: EngineProfile) -> EngineProfile:
        """The profile with what is set here."""
        own = {"kv_tokens": self.kv_tokens, "sequences_max": self.sequences_max}
        return profile.model_copy(update={k: v for k, v in own.items() if v is not None})


OF_GATEWAY = ("window", "charge_every_ms", "gateways", "sync_s", "home_share", "slots_follow")
"""Those that mean nothing to an engine that hosts the core itself."""

SETTINGS = {
    setting.name: setting
    for setting in (
        Setting(
            name="window",
            meaning="requests in flight at an engine at most; sequences_max if not set",
            minimum=1,
        ),
        Setting(
            name="charge_every_ms",
            meaning="how often the gateway sees tokens, as chunks come; 0: every one at once",
            minimum=0,
            is_whole=False,
        ),
        Setting(
            name="kv_tokens",
            meaning="tokens that fit in an engine's cache; the profile's if not set",
            minimum=1,
        ),
        Setting(
            name="sequences_max",
            meaning="requests that an engine computes at once; the profile's if not set",
            minimum=1,
        ),
        Setting(
            name="queue_wait_s_max",
            meaning="longest wait for an engine, then it is refused, in s; no limit if not set",
            minimum=0.001,
            is_whole=False,
        ),
        Setting(
            name="patience_s",
            meaning="how long clients stay, in s; to the end if not set",
            minimum=0.001,
            is_whole=False,
        ),
        Setting(name="gateways", meaning="before the same engines, 1 if not set", minimum=1),
        Setting(
            name="sync_s",
            meaning="how often gateways tell each other what they have charged; never if not set",
            minimum=0.001,
            is_whole=False,
        ),
        Setting(
            name="home_share",
            meaning="of a tenant's requests, how many come through a gateway of its own, 0 to 1; they"
            " come through all in turn if not set",
            minimum=0,
            maximum=1,
            is_whole=False,
        ),
        Setting(
            name="slots_follow",
            meaning="1: whenever gateways tell, slots go where those wait who are due them",
            minimum=0,
            maximum=1,
        ),
        Setting(
            name="hears_evictions",
            meaning="1: engines tell the core what their caches drop, as D2LPM's dispatcher is told",
            minimum=0,
            maximum=1,
        ),
    )
}
"""By name, in the order in which they are told."""

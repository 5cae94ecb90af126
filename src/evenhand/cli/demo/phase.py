"""The three phases: the same seeded traffic, less and more of it, under two policies."""

from dataclasses import dataclass

from evenhand.cli.demo.options import CONTROL

ALONE = "alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """`name` is the run's name in table and JSON; `preset` what the gateway's policy is."""

    name: str
    preset: str
    tenants: tuple[str, ...]
    about: str


def phases(tenants: tuple[str, ...], *, policy: str) -> tuple[Phase, Phase, Phase]:
    """In the order in which they run. The first of the tenants is the one that is disturbed."""
    victim = tenants[:1]
    return (
        Phase(name=ALONE, preset=policy, tenants=victim, about=f"{victim[0]} with no neighbours"),
        Phase(name=CONTROL, preset=CONTROL, tenants=tenants, about="first come, first served"),
        Phase(name=policy, preset=policy, tenants=tenants, about="each tenant its share"),
    )

"""The phases: the same seeded traffic, less and more of it, under two policies."""

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


def phases(tenants: tuple[str, ...], *, policy: str) -> tuple[Phase, ...]:
    """In the order in which they run. The first of the tenants is the one that is disturbed. The
    control is compared with nothing else, so it has no third phase."""
    victim = tenants[:1]
    alone = Phase(
        name=ALONE, preset=policy, tenants=victim, about=f"{victim[0]} with no neighbours"
    )
    control = Phase(name=CONTROL, preset=CONTROL, tenants=tenants, about="first come, first served")
    if policy == CONTROL:
        return (alone, control)
    return (
        alone,
        control,
        Phase(name=policy, preset=policy, tenants=tenants, about="all by this policy"),
    )

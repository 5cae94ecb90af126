"""A policy as plain data: what it is made of, what can be set, what it promises."""

from collections.abc import Iterator
from typing import Any

from evenhand.cli.config.seams import ALL_SEAMS, AnyPart, parameters_of
from evenhand.scheduling import Policy

SEAM_ORDER = ("admission", *(seam for seam in ALL_SEAMS if seam != "admission"))
"""In which a request meets them."""


def in_brief(policy: Policy) -> dict[str, Any]:
    """A line's worth."""
    return {
        "name": policy.name,
        "fair": policy.is_fair,
        "summary": policy.summary,
        "bound": policy.bound,
        "source": policy.source,
    }


def portrait(policy: Policy) -> dict[str, Any]:
    """All of it; a parameter's `default` is this policy's own."""
    values = policy.values()
    return {
        **in_brief(policy),
        "page": policy.page,
        "parts": {
            seam: {"name": part.name, "summary": part.summary} for seam, part in parts_of(policy)
        },
        "parameters": [
            {
                "name": parameter.name,
                "of": [
                    f"{seam} {part.name}"
                    for seam, part in parts_of(policy)
                    if parameter in parameters_of(seam, part)
                ],
                "meaning": parameter.meaning,
                "default": values[parameter.name],
                "minimum": parameter.minimum,
                "maximum": parameter.maximum,
            }
            for parameter in dict.fromkeys(policy.parameters())
        ],
    }


def parts_of(policy: Policy) -> Iterator[tuple[str, AnyPart]]:
    """One for each seam."""
    for seam in SEAM_ORDER:
        yield seam, getattr(policy, seam)


def snippet(policy: Policy) -> str:
    """The section of a configuration that asks for this policy, its parameters at their defaults."""
    lines = ["policy:", f"  preset: {policy.name}"]
    settings = [f"    {name}: {value}" for name, value in policy.values().items()]
    return "\n".join([*lines, *(["  settings:", *settings] if settings else [])]) + "\n"

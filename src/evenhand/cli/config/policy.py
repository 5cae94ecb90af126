"""The section `policy`: a preset by name, other parts instead of its own, values of their parameters."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, WithJsonSchema

from evenhand.cli.config.scalars import NAME_PATTERN, SECTION, between
from evenhand.cli.config.seams import SEAMS, parameters
from evenhand.scheduling import PRESETS

SETTING_MAX = 2**53
"""Beyond it JSON's numbers are not exact."""


def _text(names: Iterable[str], expects: str) -> WithJsonSchema:
    """A name that is no closed choice: installed packages bring others."""
    return WithJsonSchema(
        {
            "type": "string",
            "pattern": NAME_PATTERN,
            "examples": list(names),
            "x-expects": expects,
        }
    )


def _part(seam: str) -> WithJsonSchema:
    names = list(SEAMS[seam])
    return _text(names, f"one of {', '.join(names)}" if len(names) > 1 else names[0])


_NAME = StringConstraints(pattern=NAME_PATTERN)
Preset = Annotated[
    str, _NAME, _text(PRESETS, f"a policy: {', '.join(PRESETS)}, or one of an installed package")
]
Queue = Annotated[str, _NAME, _part("queue")]
Placement = Annotated[str, _NAME, _part("placement")]
Admission = Annotated[str, _NAME, _part("admission")]
Prediction = Annotated[str, _NAME, _part("prediction")]
Cost = Annotated[str, _NAME, _part("cost")]


def _settings_schema() -> Mapping[str, Any]:
    """Every parameter of every built-in part; those of other packages are whole numbers too."""
    return {
        "type": "object",
        "properties": {
            name: {
                "type": "integer",
                "minimum": min(of.minimum for _, of in uses),
                "maximum": max(of.maximum for _, of in uses),
                "x-default": "; ".join(dict.fromkeys(f"`{of.default}`" for _, of in uses)),
                "description": " ".join(
                    f"{meaning[:1].upper()}{meaning[1:].rstrip('.')} ({_owners(uses, meaning)})."
                    for meaning in dict.fromkeys(of.meaning for _, of in uses)
                ),
            }
            for name, uses in parameters().items()
        },
        "additionalProperties": {"type": "integer", "minimum": 0, "maximum": SETTING_MAX},
    }


def _owners(uses: Iterable[tuple[str, Any]], meaning: str) -> str:
    return ", ".join(f"`{owner}`" for owner, of in uses if of.meaning == meaning)


class Policy(BaseModel):
    """Who runs next, where, and who is refused: a preset, and what differs from it. `evenhand policies`
    lists the presets, `evenhand policies NAME` explains one and all its parameters; see
    [policies.md](policies.md)."""

    model_config = SECTION

    preset: Preset = "vtc"
    """A preset of `evenhand policies`, or a policy that an installed package offers by that name. `vtc`
    serves the tenant that has received the least work for its weight. `fcfs` serves in the order of
    arrival: the control to compare with, without fairness."""
    queue: Queue | None = None
    """The order within a tenant. Left out, here as below: the preset's own."""
    placement: Placement | None = None
    """Which engine a request goes to where several could take it."""
    admission: Admission | None = None
    """Who is refused at once, with a time to come back (429)."""
    prediction: Prediction | None = None
    """Output tokens charged when a request starts, corrected while they are produced. `none`: nothing
    ahead, so a burst looks free until its tokens appear."""
    cost: Cost | None = None
    """What work adds to the counters; the section `cost` weighs its tokens."""
    settings: Annotated[
        dict[str, Annotated[int, between(0, SETTING_MAX)]],
        Field(max_length=64),
        WithJsonSchema(_settings_schema()),
    ] = {}
    """Values of the parameters that the parts of this policy have; each keeps its default where left
    out. A parameter of a part that is not in use is refused."""

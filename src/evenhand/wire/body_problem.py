"""Why a body is refused, and what each of them is checked for whatever it asks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from evenhand.wire.members import Members


@dataclass(frozen=True, slots=True)
class BodyProblem:
    """Why a body is refused; `param` names the member."""

    message: str
    param: str | None = None


def body_problem(
    document: Mapping[str, Any], members: Members, *, read_here: Collection[str]
) -> BodyProblem | None:
    """What is wrong with its model, or with how a member of those that are read is spelt."""
    for key in members.disguised:
        # Some readers ignore case: what we would overlook, an engine might heed.
        if key.casefold() in read_here:
            return BodyProblem(f"Write {key!r} in lower case.", key)
    model = document.get("model")
    if not isinstance(model, str) or not model:
        return BodyProblem("Name the model: a non-empty string.", "model")
    return None

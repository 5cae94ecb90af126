"""Changes of any kind: plan and carry out, reload the file, drift, and the configuration in force."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator
from starlette.requests import Request
from starlette.responses import Response

from evenhand.cli.api.reading import STRICT, BadAskingError, body_of, query_of
from evenhand.cli.api.told import (
    ChangeQuery,
    ChangeTold,
    NoQuery,
    asked_by,
    change_answer,
    refusing,
    versioned,
)
from evenhand.cli.live.difference import ABSENT
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.cli.live.override import Override
from evenhand.cli.live.patch import Patch
from evenhand.cli.live.place import Place, place_of, text_of
from evenhand.gateway.admin import Caller, Page, Role
from evenhand.gateway.admin.answer import error_answer
from evenhand.model import Outcome

_OWNERS = frozenset({"keys", "prices", "policy", "admin"})
"""Sections that only owners change."""


class OneChange(BaseModel):
    """A thing to set or to take out."""

    model_config = STRICT

    place: Annotated[str, Field(max_length=2_000)]
    """Such as `tenants[acme].weight`, `lanes[batch].floor_percent` or `limits.queue_requests_max`; lists
    are told by the names of their items."""
    value: Any = None
    """What the configuration file would have there."""
    remove: bool = False
    """Take the item of a list out instead."""

    @model_validator(mode="after")
    def _one_of_both(self) -> "OneChange":
        if self.remove == ("value" in self.model_fields_set):
            raise ValueError("give a value, or `remove: true`")
        return self


class Changes(BaseModel):
    """All of them, or nothing."""

    model_config = STRICT

    changes: Annotated[list[OneChange], Field(min_length=1, max_length=1_000)]


class OverrideTold(BaseModel):
    """Where the gateway differs from its file. `file` or `live` is left out where the thing is not
    there."""

    place: str
    file: Any = None
    live: Any = None
    who: str
    at_ms: int
    """Milliseconds since 1970."""
    set_aside: str | None
    """Why it is not in force, though it was asked for; null: it is in force."""


class DriftTold(BaseModel):
    """All of them."""

    version: int
    overrides: list[OverrideTold]


class DriftQuery(ChangeQuery):
    """What to take back."""

    place: Annotated[str | None, Field(max_length=2_000)] = None
    """With all beneath it. Left out: everything."""


class ConfigTold(BaseModel):
    """The configuration in force, defaults filled in; secrets as references."""

    version: int
    config: dict[str, Any]


def changes_pages(live: LiveConfiguration) -> list[Page]:
    """All of them."""
    own = _ChangesPages(live)
    return [
        Page(
            path="/api/v1/plan",
            method="POST",
            role=Role.VIEWER,
            answer=refusing(own.plan),
            summary="What changes would do. Nothing is changed.",
            query=ChangeQuery,
            body=Changes,
            result=ChangeTold,
        ),
        Page(
            path="/api/v1/config",
            role=Role.VIEWER,
            answer=refusing(own.show),
            summary="The configuration in force, without secrets.",
            query=NoQuery,
            result=ConfigTold,
        ),
        Page(
            path="/api/v1/config",
            method="PATCH",
            role=Role.OPERATOR,
            answer=refusing(own.change),
            summary="Carry changes out, all or none. Keys, prices and policy want the role owner.",
            query=ChangeQuery,
            body=Changes,
            result=ChangeTold,
        ),
        Page(
            path="/api/v1/reload",
            method="POST",
            role=Role.OPERATOR,
            answer=refusing(own.reload),
            summary="Read the configuration file anew.",
            query=ChangeQuery,
            result=ChangeTold,
        ),
        Page(
            path="/api/v1/drift",
            role=Role.VIEWER,
            answer=refusing(own.drift),
            summary="Where the gateway differs from its file, by whom and since when.",
            query=NoQuery,
            result=DriftTold,
        ),
        Page(
            path="/api/v1/drift",
            method="DELETE",
            role=Role.OPERATOR,
            answer=refusing(own.revert),
            summary="Take changes back: what the file says is in force again.",
            query=DriftQuery,
            result=ChangeTold,
        ),
    ]


class _ChangesPages:
    def __init__(self, live: LiveConfiguration) -> None:
        self._live = live

    async def plan(self, request: Request, caller: Caller) -> Response:
        patches = _patches(await body_of(request, Changes))
        asked = asked_by(request, caller, "plan", is_dry_run=True)
        return change_answer(await self._live.change(patches, asked))

    async def change(self, request: Request, caller: Caller) -> Response:
        patches = _patches(await body_of(request, Changes))
        refusal = _for_owners(caller, [place for place, _ in patches])
        if refusal is not None:
            return refusal
        return change_answer(await self._live.change(patches, asked_by(request, caller, "set")))

    async def reload(self, request: Request, caller: Caller) -> Response:
        return change_answer(await self._live.reload(asked_by(request, caller, "reload")))

    async def show(self, request: Request, _: Caller) -> Response:
        query_of(request, NoQuery)
        config = self._live.config.model_dump(mode="json")
        told = {"version": self._live.version, "config": config}
        return versioned(told, self._live.version)

    async def drift(self, request: Request, _: Caller) -> Response:
        query_of(request, NoQuery)
        return versioned(drift_told(self._live), self._live.version)

    async def revert(self, request: Request, caller: Caller) -> Response:
        query = query_of(request, DriftQuery)
        overlay = self._live.overlay
        known = [one.place for one in (*overlay.overrides, *(one for one, _ in overlay.aside))]
        places = known
        if query.place is not None:
            above = _place(query.place)
            places = [place for place in known if place[: len(above)] == above]
            if not places:
                message = f"{query.place} is as in the file: GET /api/v1/drift lists what is not."
                return error_answer(Outcome.NOT_FOUND, message)
        refusal = _for_owners(caller, places)
        if refusal is not None:
            return refusal
        asked = asked_by(request, caller, "revert", query=query)
        return change_answer(await self._live.revert(places, asked))


def drift_told(live: LiveConfiguration) -> dict[str, Any]:
    """All overrides, as JSON."""
    overlay = live.overlay
    file = {one.place: one.before for one in overlay.drift}
    rows = [_override_told(one, file.get(one.place, ABSENT), None) for one in overlay.overrides]
    rows += [_override_told(one, ABSENT, reason) for one, reason in overlay.aside]
    return {"version": live.version, "overrides": rows}


def _override_told(override: Override, file: Any, reason: str | None) -> dict[str, Any]:
    told = {"place": text_of(override.place)}
    told |= {} if file is ABSENT else {"file": file}
    told |= {} if override.value is ABSENT else {"live": override.value}
    return told | {"who": override.who, "at_ms": override.at_ms, "set_aside": reason}


def _patches(changes: Changes) -> list[Patch]:
    return [(_place(one.place), ABSENT if one.remove else one.value) for one in changes.changes]


def _place(text: str) -> Place:
    try:
        return place_of(text)
    except ValueError as error:
        raise BadAskingError(f"{text[:200]!r} is no place: {error}.") from None


def _for_owners(caller: Caller, places: list[Place]) -> Response | None:
    """A refusal if one of the places is only for owners, and the caller is none."""
    if caller.role >= Role.OWNER:
        return None
    for place in places:
        if place[0] in _OWNERS:
            message = (
                f"{text_of(place)} is changed by the role owner; {caller.name} has a lower one."
            )
            return error_answer(Outcome.ROLE_TOO_LOW, message)
    return None

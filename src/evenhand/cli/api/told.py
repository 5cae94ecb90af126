"""What pages of changes have in common: how one is asked for, what is told of it, how it is refused."""

import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from evenhand.cli.api.reading import STRICT, BadAskingError, TooLongError, query_of
from evenhand.cli.live.difference import ABSENT, Difference
from evenhand.cli.live.live_configuration import Asked, Change, LiveConfiguration
from evenhand.cli.live.patch import Patch
from evenhand.cli.live.place import text_of
from evenhand.cli.live.refusal import ChangeRefusedError, VersionConflictError
from evenhand.gateway.admin import Answer, Caller
from evenhand.gateway.admin.answer import error_answer, json_answer
from evenhand.model import Outcome
from evenhand.stores import KeyProblemError, StateProblemError

_DIFFERENCES_MAX: Final = 1_000


_REFUSALS: Final[Mapping[type[Exception], Outcome]] = {
    BadAskingError: Outcome.BAD_REQUEST,
    TooLongError: Outcome.BODY_TOO_LARGE,
    ChangeRefusedError: Outcome.CHANGE_REFUSED,
    VersionConflictError: Outcome.VERSION_CONFLICT,
    KeyProblemError: Outcome.CHANGE_REFUSED,
    StateProblemError: Outcome.LEDGER_CLOSED,
    sqlite3.Error: Outcome.LEDGER_CLOSED,
}
"""The first that fits."""


class NoQuery(BaseModel):
    """Nothing is asked."""

    model_config = STRICT


class ChangeQuery(BaseModel):
    """How a change is asked for."""

    model_config = STRICT

    dry_run: bool = False
    """Only say what would change and what it would do."""
    version: int | None = None
    """Refuse (409) unless the configuration in force has this version; `If-Match` says the same."""


class DifferenceTold(BaseModel):
    """One thing that differs. `before` or `after` is left out where the thing is not there."""

    place: str
    """Such as `tenants[acme].weight`."""
    before: Any = None
    after: Any = None


class PromiseTold(BaseModel):
    """What a tenant is promised of the whole while all have work, 0 to 1; null: it is not there."""

    tenant: str
    before: float | None
    after: float | None


class ChangeTold(BaseModel):
    """A change, or what it would be."""

    version: int
    """Of the configuration in force now."""
    applied: bool
    """False: it was only planned, and nothing has changed."""
    differences: list[DifferenceTold]
    """At most 1000."""
    differences_left_out: int
    promises: list[PromiseTold]
    """Tenants whose promised share changes, most changed first; at most 1000."""
    overrides: int
    """Things that differ from the file afterwards; `/api/v1/drift` lists them."""


async def changing(
    request: Request, caller: Caller, live: LiveConfiguration, what: str, patches: Iterable[Patch]
) -> Response:
    """Carry patches out as the query says, and tell."""
    change = await live.change(patches, asked_by(request, caller, what))
    return change_answer(change)


def asked_by(
    request: Request,
    caller: Caller,
    what: str,
    *,
    is_dry_run: bool = False,
    query: ChangeQuery | None = None,
) -> Asked:
    """Who asks, and how. `query` is the query string where a page has read it already. Raises
    BadAskingError."""
    if query is None:
        query = query_of(request, ChangeQuery)
    match = request.headers.get("if-match")
    version = query.version
    if match is not None:
        text = match.strip().strip('"')
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise BadAskingError(f'If-Match must be a version such as "{17}", as ETag gives it.')
        version = int(text)
    return Asked(
        who=caller.name, what=what, is_dry_run=is_dry_run or query.dry_run, version=version
    )


def change_told(change: Change) -> dict[str, Any]:
    """As JSON."""
    found = change.differences[:_DIFFERENCES_MAX]
    return {
        "version": change.version,
        "applied": change.is_applied,
        "differences": [difference_told(one) for one in found],
        "differences_left_out": len(change.differences) - len(found),
        "promises": [
            {"tenant": "/".join(share.path), "before": share.before, "after": share.after}
            for share in change.promises
        ],
        "overrides": len(change.new.overrides) + len(change.new.aside),
    }


def change_answer(change: Change) -> Response:
    """With the version as ETag."""
    return versioned(change_told(change), change.version)


def versioned(content: object, version: int) -> Response:
    """A JSON answer that says of which version it tells."""
    answer = json_answer(content)
    answer.headers["etag"] = f'"{version}"'
    return answer


def difference_told(one: Difference) -> dict[str, Any]:
    """As JSON."""
    told = {"place": text_of(one.place)}
    told |= {} if one.before is ABSENT else {"before": one.before}
    return told | ({} if one.after is ABSENT else {"after": one.after})


def refusing(answer: Callable[[Request, Caller], Awaitable[Response]]) -> Answer:
    """The page, with its refusals as answers."""

    async def page(request: Request, caller: Caller) -> Response:
        try:
            return await answer(request, caller)
        except tuple(_REFUSALS) as error:
            outcome = next(one for kind, one in _REFUSALS.items() if isinstance(error, kind))
            return error_answer(outcome, str(error))

    return page

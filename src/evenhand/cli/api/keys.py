"""`/api/v1/keys`: the keys of the state database, made, rotated and revoked."""

from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from evenhand.cli.api.reading import STRICT, body_of, query_of
from evenhand.cli.api.told import NoQuery, refusing
from evenhand.cli.config import ConfigurationError, KeyLimits
from evenhand.cli.config.problem import Place, written
from evenhand.cli.config.scalars import ModelOrAll, Name, TenantText
from evenhand.cli.keys.asked_stored import asked_stored
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.cli.live.refusal import ChangeRefusedError
from evenhand.cli.stored_key_desk import StoredKeyDesk
from evenhand.gateway.admin import Caller, Page, Role
from evenhand.gateway.admin.answer import error_answer, json_answer
from evenhand.model import Outcome
from evenhand.stores.key_text import new_key_id

_TEN_YEARS_S = 315_360_000


class KeysQuery(BaseModel):
    """Which keys."""

    model_config = STRICT

    ended: bool = False
    """Those too that are revoked or expired."""
    after: Annotated[str, Field(max_length=64)] = ""
    """Keys whose ids come after this one: the next page."""
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class KeysTold(BaseModel):
    """By id. Secrets are not among what is told."""

    keys: list[dict[str, Any]]


class NewKey(BaseModel):
    """A key to be made, as the file would have it."""

    model_config = STRICT

    tenant: TenantText
    application: Name = "default"
    trust_domain: Name | None = None
    """Left out: the first name of `tenant`."""
    lane: Name = "default"
    models: Annotated[tuple[ModelOrAll, ...], Field(min_length=1, max_length=256)] = ("*",)
    limits: KeyLimits = KeyLimits()
    expires_s: Annotated[int, Field(ge=1, le=_TEN_YEARS_S)] | None = None
    """It ends after so many seconds. Left out: it does not end by itself."""
    note: Annotated[str, Field(max_length=200)] = ""
    """For people: whose it is, or a ticket."""


class Rotation(BaseModel):
    """How the old secret ends."""

    model_config = STRICT

    grace_s: Annotated[int, Field(ge=0, le=_TEN_YEARS_S)] = 0
    """It goes on for so many seconds."""


class KeyMade(BaseModel):
    """A key with its secret, which is told this once."""

    id: str
    secret: str


class KeyEnded(BaseModel):
    """A key that is nobody's any more."""

    id: str


def keys_pages(live: LiveConfiguration, desk: StoredKeyDesk | None) -> list[Page]:
    """All of them. `desk` None: there is no state database, and the pages say so."""
    own = _KeysPages(live, desk)
    one = "/api/v1/keys/{key_id}"
    return [
        Page(
            path="/api/v1/keys",
            role=Role.VIEWER,
            answer=refusing(own.show),
            summary="The keys of the state database; those of the file are not among them.",
            query=KeysQuery,
            result=KeysTold,
        ),
        Page(
            path="/api/v1/keys",
            method="POST",
            role=Role.OWNER,
            answer=refusing(own.create),
            summary="Make a key. Its secret is in this answer and nowhere else.",
            query=NoQuery,
            body=NewKey,
            result=KeyMade,
        ),
        Page(
            path=f"{one}/rotate",
            method="POST",
            role=Role.OWNER,
            answer=refusing(own.rotate),
            summary="Give a key a new secret; its id, budget and history stay.",
            query=NoQuery,
            body=Rotation,
            result=KeyMade,
        ),
        Page(
            path=one,
            method="DELETE",
            role=Role.OWNER,
            answer=refusing(own.revoke),
            summary="Revoke a key at once and for good. Its open requests run to their end.",
            query=NoQuery,
            result=KeyEnded,
        ),
    ]


class _KeysPages:
    def __init__(self, live: LiveConfiguration, desk: StoredKeyDesk | None) -> None:
        self._live = live
        self._desk = desk

    async def show(self, request: Request, _: Caller) -> Response:
        query = query_of(request, KeysQuery)
        if self._desk is None:
            return _no_state()
        keys = await self._desk.listed(ended=query.ended, after=query.after, rows_max=query.limit)
        return json_answer({"keys": keys})

    async def create(self, request: Request, caller: Caller) -> Response:
        query_of(request, NoQuery)
        body = await body_of(request, NewKey)
        if self._desk is None:
            return _no_state()
        values = body.model_dump(mode="json", exclude={"expires_s", "note"}, exclude_none=True)
        key_id = new_key_id()
        try:
            key = asked_stored(self._live.config, key_id, values, body.note, _called)
        except ConfigurationError as error:
            raise ChangeRefusedError.unsound(error) from None
        if body.expires_s is not None:
            key = key._replace(expires_ms=key.created_ms + body.expires_s * 1_000)
        secret = await self._desk.create(key, caller.name)
        return json_answer({"id": key_id, "secret": secret})

    async def rotate(self, request: Request, caller: Caller) -> Response:
        query_of(request, NoQuery)
        body = await body_of(request, Rotation)
        if self._desk is None:
            return _no_state()
        key_id = request.path_params["key_id"]
        secret = await self._desk.rotate(key_id, body.grace_s * 1_000, caller.name)
        return json_answer({"id": key_id, "secret": secret})

    async def revoke(self, request: Request, caller: Caller) -> Response:
        query_of(request, NoQuery)
        if self._desk is None:
            return _no_state()
        key_id = request.path_params["key_id"]
        await self._desk.revoke(key_id, caller.name)
        return json_answer({"id": key_id})


def _called(place: Place) -> str:
    return written(place)


def _no_state() -> Response:
    message = (
        "This gateway keeps no keys but those of its file: add a `state` section to it and start the"
        " gateway anew."
    )
    return error_answer(Outcome.NOT_FOUND, message)

"""The keys of a tenant. They are made, rotated and revoked by the operator: whoever has stolen a key
must not be able to lock its owner out."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin import Caller, Page, Role, Status
from evenhand.gateway.admin.answer import json_answer
from evenhand.gateway.identity import KeyInForce, KeyRing
from evenhand.gateway.self_service.me import KeyForm, key_form
from evenhand.gateway.self_service.whose import WhoseQuery, whose

KEYS_MAX = 1_000


class MyKeyForm(KeyForm):
    """One key."""

    ends: str | None
    """When it ceases to open the door, in UTC. None: not by itself."""
    is_mine: bool
    """It is the one that asks."""


class MyKeysForm(BaseModel):
    """Ordered by name."""

    keys: list[MyKeyForm]
    left_out: int
    """Beyond the first thousand."""


@dataclass(frozen=True, slots=True)
class MyKeysPage:
    status: Status
    keys: KeyRing

    def page(self) -> Page:
        return Page(
            path="/api/v1/me/keys",
            role=Role.TENANT,
            answer=self._answer,
            summary="A tenant's keys and what they may do; never their secrets.",
            query=WhoseQuery,
            result=MyKeysForm,
        )

    async def _answer(self, request: Request, caller: Caller) -> Response:
        path = whose(request, caller, self.status.scheduler.tree)
        if isinstance(path, Response):
            return path
        found = sorted(self.keys.beneath(path), key=lambda key: key.holder.identity.key_id)
        named = [_form(key, caller) for key in found[:KEYS_MAX]]
        return json_answer(MyKeysForm(keys=named, left_out=len(found) - len(named)).model_dump())


def _form(key: KeyInForce, caller: Caller) -> MyKeyForm:
    identity = key.holder.identity
    ends = None
    if key.ends_ms is not None:
        ends = datetime.fromtimestamp(key.ends_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return MyKeyForm(
        **key_form(identity, key.holder.open_requests).model_dump(),
        ends=ends,
        is_mine=identity.key_id == caller.key,
    )

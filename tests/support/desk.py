"""The admin listener with everybody that it can know: admins by role, and tenants by their keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin import (
    AdminCredentials,
    Caller,
    Doors,
    Page,
    Role,
    admin_app,
    gateway_pages,
    sign_in_pages,
    tenant_keys,
)
from evenhand.gateway.admin.answer import json_answer
from evenhand.gateway.admin.sessions import Sessions
from evenhand.gateway.identity import KeyRing
from support.admin import Answer, Client, PlainStatus
from support.gateway import KEY_A, KEY_B, identity

VIEWER = "adm-of-a-viewer-0123456789"
OPERATOR = "adm-of-an-operator-0123456789"
OWNER = "adm-of-an-owner-0123456789"
ADMINS = {VIEWER: Role.VIEWER, OPERATOR: Role.OPERATOR, OWNER: Role.OWNER}


async def _who(_: Request, caller: Caller) -> Response:
    tenant = None if caller.tenant is None else "/".join(caller.tenant)
    return json_answer({"name": caller.name, "role": caller.role.name, "tenant": tenant})


WHO = tuple(
    Page(path="/who", method=method, role=Role.TENANT, answer=_who, summary="Who calls.")
    for method in ("GET", "POST", "PUT", "DELETE")
)
"""A page that tells its caller who that is."""


@dataclass
class Clock:
    """Stands still until the test moves it."""

    now_s: float = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Desk:
    """The application with its parts, and what they told."""

    clock: Clock = field(default_factory=Clock)
    is_open: bool = False
    host_names: Sequence[str] = ()
    pages: Sequence[Page] = WHO
    told: list[tuple[str, str]] = field(default_factory=list)
    app: Starlette = field(init=False)

    def __post_init__(self) -> None:
        self.keys = KeyRing([(KEY_A, identity("a")), (KEY_B, identity("b"))])
        known = [(Caller(role.name.lower(), role), secret) for secret, role in ADMINS.items()]
        self.credentials = AdminCredentials([] if self.is_open else known)
        self.sessions = Sessions(self.clock)
        self.doors = Doors(
            [self.credentials.recognise, tenant_keys(self.keys)],
            is_open=lambda: not self.credentials,
            sessions=self.sessions,
        )
        pages = [
            *gateway_pages(PlainStatus(), tenants_max=10),
            *sign_in_pages(self.doors, lambda what, who: self.told.append((what, who.name))),
            *self.pages,
        ]
        self.app = admin_app(pages, self.doors, self.host_names)


async def sign_in(client: Client, credential: str, head: str = "", to: str = "") -> Answer:
    """Send the form as a browser does."""
    body = urlencode({"credential": credential, "next": to})
    head += f"origin: http://localhost\r\ncontent-length: {len(body)}\r\n"
    head += "content-type: application/x-www-form-urlencoded\r\n"
    return await client.ask("/signin", method="POST", head=head, body=body)


def cookie_of(answer: Answer) -> str:
    """The header line that sends the cookie back."""
    return f"cookie: {answer.headers['set-cookie'].split(';')[0]}\r\n"


FROM_HERE = "origin: http://localhost\r\n"

"""The dashboard's routes, and who may open them."""

from dataclasses import dataclass
from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from evenhand.gateway.admin import Caller, Page, Role, Status
from evenhand.gateway.admin.cookie import token_of
from evenhand.gateway.dashboard.live import LivePage
from evenhand.gateway.dashboard.plotly_script import plotly_page
from evenhand.gateway.dashboard.site_files import SiteFile, page_text, site_files
from evenhand.gateway.dashboard.waiting import WaitingPage
from evenhand.telemetry.samples import Sampler

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    "style-src 'self' 'unsafe-inline'; "  # plotly sets styles
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, no script but the files of /assets, inside nobody's frame."""
_SAFE: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_NOT_STORED: Final = _SAFE | {"cache-control": "no-store"}
_ASKED_AGAIN: Final = _SAFE | {"cache-control": "no-cache"}


@dataclass(frozen=True, slots=True)
class _Sheet:
    path: str
    name: str
    title: str
    role: Role = Role.VIEWER


_SHEETS: Final = (
    _Sheet("/", "now", "Now", Role.TENANT),
    _Sheet("/tenants", "tenants", "Tenants"),
    _Sheet("/requests", "requests", "Requests"),
    _Sheet("/engines", "engines", "Engines"),
    _Sheet("/money", "money", "Money"),
    _Sheet("/alarms", "alarms", "Alarms"),
    _Sheet("/me", "me", "My share", Role.TENANT),
)


def dashboard_pages(status: Status, sampler: Sampler) -> list[Page]:
    """Everything that a browser asks for."""
    return [
        *(_sheet_page(sheet) for sheet in _SHEETS),
        *(_file_page(file) for file in site_files()),
        plotly_page(),
        LivePage(status, sampler).page(),
        WaitingPage(status).page(),
    ]


def _sheet_page(sheet: _Sheet) -> Page:
    text = page_text(sheet.name, sheet.title)

    async def answer(request: Request, caller: Caller) -> Response:
        if caller.tenant is not None and sheet.name == "now":
            return RedirectResponse("/me", 303, headers=_NOT_STORED)
        return Response(
            text.replace("{who}", _who(request, caller)),
            headers=_NOT_STORED,
            media_type="text/html",
        )

    return Page(
        path=sheet.path, role=sheet.role, answer=answer, summary=f"{sheet.title}, for a browser."
    )


def _who(request: Request, caller: Caller) -> str:
    """Who reads the page, as attributes: its scripts show what that role may do, no more. What is asked
    of the gateway is checked there again."""
    told = {"role": caller.role.name.lower(), "who": caller.name}
    if caller.tenant is not None:
        told["tenant"] = "/".join(caller.tenant)
    if token_of(request.scope) is not None:
        told["session"] = "yes"
    return " ".join(f'data-{name}="{escape(value)}"' for name, value in told.items())


def _file_page(file: SiteFile) -> Page:
    headers = _ASKED_AGAIN | {"etag": file.tag}

    async def answer(request: Request, _: Caller) -> Response:
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers=headers | {"content-type": file.media_type})

    return Page(
        path=f"/assets/{file.name}",
        role=Role.ANYONE,  # the page on which one signs in wants its styles
        answer=answer,
        summary=f"{file.name}, for a browser.",
    )

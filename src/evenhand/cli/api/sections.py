"""Whole sections of the configuration, read and set: `/api/v1/policy`, `/api/v1/lanes` and the like."""

from typing import Any, Final, NamedTuple

from pydantic import ConfigDict, create_model
from starlette.requests import Request
from starlette.responses import Response

from evenhand.cli.api.reading import BadAskingError, json_body, query_of
from evenhand.cli.api.told import ChangeQuery, ChangeTold, NoQuery, changing, refusing, versioned
from evenhand.cli.config import Config
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.gateway.admin import Answer, Caller, Page, Role


class _Section(NamedTuple):
    name: str
    role: Role
    """Who sets it."""
    what: str


SECTIONS: Final = (
    _Section("policy", Role.OWNER, "who runs next"),
    _Section("lanes", Role.OPERATOR, "the lanes, in order of precedence"),
    _Section("prices", Role.OWNER, "what work costs in money"),
    _Section("aliases", Role.OPERATOR, "names of models"),
)


_BUDGETS: Final = _Section("budgets", Role.OPERATOR, "what tenants and keys may use each period")


def budgets_set_page(live: LiveConfiguration) -> Page:
    """PUT alone: what GET tells of budgets is more than their section."""
    return _pages(live, _BUDGETS)[1]


def sections_pages(live: LiveConfiguration) -> list[Page]:
    """GET and PUT of each section."""
    return [page for section in SECTIONS for page in _pages(live, section)]


def _pages(live: LiveConfiguration, section: _Section) -> list[Page]:
    name = section.name
    field = Config.model_fields[name]
    holding: Any = {name: (field.annotation, ...)}
    body = create_model(
        f"{name.capitalize()}Body", __config__=ConfigDict(extra="forbid"), **holding
    )
    shown: Any = {"version": (int, ...), name: (Any, ...)}
    told = create_model(f"{name.capitalize()}Told", **shown)
    return [
        Page(
            path=f"/api/v1/{name}",
            role=Role.VIEWER,
            answer=refusing(_shown(live, name)),
            summary=f"The section `{name}` in force: {section.what}.",
            query=NoQuery,
            result=told,
        ),
        Page(
            path=f"/api/v1/{name}",
            method="PUT",
            role=section.role,
            answer=refusing(_set(live, name)),
            summary=f"Set the section `{name}`.",
            query=ChangeQuery,
            body=body,
            result=ChangeTold,
        ),
    ]


def _shown(live: LiveConfiguration, name: str) -> Answer:
    async def show(request: Request, _: Caller) -> Response:
        query_of(request, NoQuery)
        dumped = live.config.model_dump(mode="json", include={name})
        return versioned({"version": live.version, name: dumped[name]}, live.version)

    return show


def _set(live: LiveConfiguration, name: str) -> Answer:
    async def put(request: Request, caller: Caller) -> Response:
        body = await json_body(request)
        if not isinstance(body, dict) or set(body) != {name}:
            raise BadAskingError(f'The body must be {{"{name}": ...}}, as the file would have it.')
        return await changing(request, caller, live, f"set {name}", [((name,), body[name])])

    return put

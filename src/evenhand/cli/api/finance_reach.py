"""How far a caller sees into the ledger: a tenant's key its own node, everybody else all of it."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from evenhand.cli.api.reading import BadAskingError
from evenhand.cli.api.told import refusing
from evenhand.cli.exports.parquet_file import ParquetMissingError
from evenhand.cli.usage.period import Period, named_period
from evenhand.gateway.admin import Answer, Caller
from evenhand.gateway.admin.answer import NOT_STORED, error_answer
from evenhand.model import Outcome
from evenhand.stores.problem import NotAsAskedError
from evenhand.stores.usage_query import GROUPINGS

NO_LEDGER: Final = (
    "This gateway keeps no ledger: give its configuration a `state` section, and start it anew."
)


class OutOfReachError(Exception):
    """The caller may not see that; the message says what it may."""


def reach(caller: Caller, tenant: str | None) -> str | None:
    """The node that may be told of; None: all. Raises OutOfReachError."""
    if caller.tenant is None:
        return tenant
    own = "/".join(caller.tenant)
    if tenant is None:
        return own
    if tenant != own and not tenant.startswith(f"{own}/"):
        raise OutOfReachError(f"{caller.name} sees {own} and what is below it, and nobody else.")
    return tenant


def told(answer: Callable[[Request, Caller], Awaitable[Response]]) -> Answer:
    """The page, with its refusals as answers."""

    async def page(request: Request, caller: Caller) -> Response:
        try:
            return await answer(request, caller)
        except OutOfReachError as error:
            return error_answer(Outcome.ROLE_TOO_LOW, str(error))
        except NotAsAskedError as error:
            return error_answer(Outcome.BAD_REQUEST, f"{error}.")
        except ParquetMissingError as error:
            return error_answer(Outcome.BAD_REQUEST, f"{error}.")

    return refusing(page)


def groups_asked(by: str) -> tuple[str, ...]:
    """The grouping columns. Raises BadAskingError."""
    names = tuple(name.strip() for name in by.split(","))
    if not set(names) <= GROUPINGS.keys() or len(set(names)) < len(names):
        raise BadAskingError(f"by: name each of {', '.join(GROUPINGS)} once, joined by commas.")
    return names


def period_asked(text: str) -> Period:
    """The period. Raises BadAskingError."""
    try:
        return named_period(text)
    except ValueError as error:
        raise BadAskingError(f"period: {error}.") from None


def download(content: bytes, name: str, media: str) -> Response:
    """A file to keep."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=NOT_STORED | headers, media_type=media)

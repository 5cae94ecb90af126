"""`/api/v1/me/budgets`: how a tenant's own budgets stand, and those of its keys."""

from starlette.requests import Request
from starlette.responses import Response

from evenhand.cli.api.budgets import BudgetsTold, budgets_told
from evenhand.cli.api.reading import query_of
from evenhand.cli.api.told import refusing, versioned
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.gateway.admin import Caller, Page, Role, Status
from evenhand.gateway.bookkeeping import Bookkeeper, NoBookkeeping
from evenhand.gateway.identity import KeyRing
from evenhand.gateway.self_service.whose import WhoseQuery, whose
from evenhand.model import KeyId, TenantPath


def my_budgets_pages(
    status: Status,
    live: LiveConfiguration,
    bookkeeping: Bookkeeper | NoBookkeeping,
    keys: KeyRing,
) -> list[Page]:
    """The one. What limits a node above is not told: it would tell what others have spent."""

    async def answer(request: Request, caller: Caller) -> Response:
        query_of(request, WhoseQuery)
        path = whose(request, caller, status.scheduler.tree)
        if isinstance(path, Response):
            return path
        own_keys = {key.holder.identity.key_id for key in keys.beneath(path)}

        def is_own(tenant: TenantPath, key: KeyId | None) -> bool:
            return tenant[: len(path)] == path if key is None else key in own_keys

        return versioned(budgets_told(live.version, bookkeeping, keys, is_own), live.version)

    return [
        Page(
            path="/api/v1/me/budgets",
            role=Role.TENANT,
            answer=refusing(answer),
            summary="How a tenant's budgets stand, and those of its keys.",
            query=WhoseQuery,
            result=BudgetsTold,
        )
    ]

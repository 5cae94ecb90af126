"""The `budgets` section: what tenants and keys may use in a day, a week, a month, or in all."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from evenhand.cli.config.prices import Currency, Money
from evenhand.cli.config.scalars import SECTION, TenantText, between
from evenhand.stores.key_text import ID_PATTERN

KeyText = Annotated[
    str,
    Field(
        pattern=rf"^({ID_PATTERN}|env:[A-Za-z_][A-Za-z0-9_]{{0,127}}|file:/[^\x00-\x1f\x7f]{{1,4095}})$",
        json_schema_extra={
            "x-expects": "the reference of a key, such as env:ACME_KEY, or its id (key_...)"
        },
    ),
]


class TenantBudget(BaseModel):
    """What a tenant with all beneath it, or one key, may use each period. A request counts in the period
    in which it was admitted."""

    model_config = SECTION

    tenant: TenantText | None = None
    """The tenant whose budget it is, such as `acme` or `acme/search`: all keys beneath it count. Either
    this or `key`."""
    key: KeyText | None = None
    """The key whose budget it is: its reference as in `keys`, or the id of one that `evenhand keys` has
    made."""
    period: Literal["day", "week", "month", "total"]
    """How often it begins anew, in UTC: at midnight, on Monday, on the first, or never."""
    spend_max: Money | None = None
    """Money that may be spent each period, in units of `currency`."""
    currency: Currency | None = Field(
        default=None, json_schema_extra={"x-default": "as `prices.currency`"}
    )
    """Of `spend_max`. What is priced in another one is refused."""
    tokens_max: Annotated[int, between(1, 10**15)] | None = None
    """Tokens, input and output, that may be used each period."""
    mode: Literal["hard", "soft"] = "hard"
    """`hard`: spent and held together never exceed it; what would is refused (429), so each request
    waits for the disk. `soft`: what exceeds it goes to the last of `lanes`, and its answer has the
    header `x-evenhand-budget: soft-exceeded`."""

    @property
    def whose(self) -> str:
        """The tenant or the key, as it is written."""
        return "/".join(self.tenant) if self.tenant else str(self.key)

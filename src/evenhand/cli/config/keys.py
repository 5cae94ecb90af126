"""The `keys` section: who may ask, and as whom."""

from typing import Annotated

from pydantic import BaseModel, Field

from evenhand.cli.config.prices import Money
from evenhand.cli.config.scalars import SECTION, ModelOrAll, Name, TenantText, between
from evenhand.cli.config.secrets import Reference


class KeyLimits(BaseModel):
    """Bounds of one key, inside the gateway's own."""

    model_config = SECTION

    open_requests_max: Annotated[int, between(1, 10_000_000)] | None = None
    """Requests of this key that wait or run at a time; the next is refused (429). Left out: only
    the tenant's queue bounds them."""
    output_tokens_max: Annotated[int, between(1, 10_000_000)] | None = None
    """Largest `max_tokens` of this key, in tokens. Left out: `limits.output_tokens_max`."""
    spend_max: Money | None = None
    """Money that this key may spend in all, in units of `prices.currency`; what is priced in another
    currency is refused. Spent and held together never exceed it (429), so each request waits for the
    disk. Needs `state` and `prices`. `budgets` are of days, weeks and months."""
    tokens_max: Annotated[int, between(1, 10**15)] | None = None
    """Tokens, input and output, that this key may use in all; as strict as `spend_max`. Needs
    `state`."""

    @property
    def is_budget(self) -> bool:
        """True where the key may not use more than so much in all."""
        return self.spend_max is not None or self.tokens_max is not None


class Key(BaseModel):
    """An API key and all that it stands for. Nothing a client sends overrides it."""

    model_config = SECTION

    key: Reference
    """Where the secret is. At least 16 visible ASCII characters; no two keys the same."""
    tenant: TenantText
    """Path of the tenant whose share is used, such as `acme/search`. It has no children."""
    application: Name = "default"
    """The application that uses the key."""
    trust_domain: Name = Field(
        default_factory=lambda fields: fields["tenant"][0],
        json_schema_extra={"x-default": "first name of `tenant`"},
    )
    """Keys of one trust domain may share an engine's prefix cache; others never do."""
    lane: Name = "default"
    """The lane its requests take."""
    models: Annotated[tuple[ModelOrAll, ...], Field(min_length=1, max_length=256)] = ("*",)
    """Models it may use, each served by an engine; `"*"` is every model."""
    limits: KeyLimits = KeyLimits()
    """Bounds of this key."""

    @property
    def allows_all_models(self) -> bool:
        """True where the key may use every model that an engine serves."""
        return "*" in self.models

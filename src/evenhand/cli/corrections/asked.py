"""What somebody asks to be corrected, before anybody has looked whether it can be."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

REASON_CHARACTERS_MAX = 500

_Name = Annotated[str, Field(min_length=1, max_length=1000)]
_Tokens = Annotated[int, Field(ge=-(10**15), le=10**15)]


class AskedCorrection(BaseModel):
    """Of a request, or of what a consumer has used of a model. Amounts below 0 are given back, those
    above are charged. A request without amounts is given back whole."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)]
    """Why. It stands on the statement."""
    reference: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")] | None = None
    """Names the correction, such as a ticket. Whoever sends the same one again corrects nothing twice.
    Left out: one is made up."""
    request: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The request, by its x-request-id. Or else:"""
    tenant: _Name | None = None
    """The tenant, such as acme/search."""
    model: _Name | None = None
    application: _Name | None = None
    """Needed where the tenant has several that use the model."""
    key: _Name | None = None
    """The name of a key, never a key. Needed where there are several."""
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    """Needed where there were several."""
    money: Annotated[str, Field(pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,9})?$")] | None = None
    """In units of the currency, such as "-1.50"."""
    input_tokens: _Tokens = 0
    """Cached ones among them."""
    cached_input_tokens: _Tokens = 0
    output_tokens: _Tokens = 0
    """Reasoning among them."""
    reasoning_tokens: _Tokens = 0

    @property
    def has_amounts(self) -> bool:
        """Somebody says how much."""
        return self.money is not None or any(
            (
                *(self.input_tokens, self.cached_input_tokens),
                *(self.output_tokens, self.reasoning_tokens),
            )
        )


class BookedAnswer(BaseModel):
    """A correction that is in the ledger, on disk."""

    reference: str
    is_new: bool
    """False: it was there already, from an earlier try."""
    at: str
    tenant: str
    application: str
    key: str
    model: str
    currency: str | None
    money: str | None
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    gpu_us: int
    author: str
    reason: str
    request: str | None

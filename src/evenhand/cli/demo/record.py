"""What a client saw of one request."""

from array import array
from dataclasses import dataclass, field
from enum import StrEnum

from evenhand.model import Usage


class End(StrEnum):
    """How it ended for the client."""

    DONE = "done"
    REFUSED = "refused"
    """Too many requests (429): the policy's answer, not a failure."""
    FAILED = "failed"
    CUT = "cut off by the end of the phase"


@dataclass(slots=True, kw_only=True)
class Record:
    """All moments are seconds since the start of the phase."""

    tenant: str
    prompt_characters: int
    output_tokens_max: int
    sent_at: float
    """In an open loop the moment when it was due: a client that lags does not hide waiting."""
    token_at: "array[float]" = field(default_factory=lambda: array("d"))
    """One moment for each piece of the answer that had content; usually each is a token."""
    ended_at: float | None = None
    end: End = End.CUT
    usage: Usage | None = None
    """The engine's own figures; None if the answer did not get that far."""
    trouble: str = ""
    """Why it failed or was refused."""

    @property
    def first_token_at(self) -> float | None:
        """When the waiting was over; None: never. An empty answer's first token is its end."""
        if self.token_at:
            return self.token_at[0]
        return self.ended_at if self.end is End.DONE else None

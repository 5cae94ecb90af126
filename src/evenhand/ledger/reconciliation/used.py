"""What the ledger has of one engine in a period."""

from dataclasses import dataclass, fields
from typing import Self


@dataclass(slots=True, kw_only=True)
class LedgerUse:
    """Requests that were settled, and their tokens; `completed` and `estimated_*` are a part of them."""

    requests: int = 0
    completed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    estimated_input: int = 0
    estimated_output: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(**{f: getattr(self, f) + getattr(other, f) for f in _FIELDS})


_FIELDS = tuple(field.name for field in fields(LedgerUse))

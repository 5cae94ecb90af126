"""The seam of prediction: how many tokens a request will produce, guessed so that a burst is not free.

A request is charged for its expected output when it is picked, and the difference to the truth while
it runs and when it ends. Without this, all requests of a burst are picked at the price of their
prompts before the first of them has been charged for its answer.
"""

from typing import Protocol

from evenhand.model import Request, TenantPath


class Prediction(Protocol):
    """Guesses, and learns. Bounded by configured tenants times applications times models."""

    def tokens(self, request: Request) -> int:
        """Expected output tokens of all choices together; never more than the client allows."""

    def learn(self, request: Request, output_tokens: int) -> None:
        """The length of a completed answer, all choices together. Broken-off ones are not told."""

    def forget(self, tenant: TenantPath) -> None:
        """The tenant has long been idle: what was learned of it goes."""

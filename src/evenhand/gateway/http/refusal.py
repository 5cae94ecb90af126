"""How the parts that read a request say no."""

from evenhand.model.outcome import Outcome


class RefusalError(Exception):
    """The request cannot be served; the connection is closed after the answer.

    `outcome` decides status and code; the text tells the client what to do.
    """

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


def ambiguous(message: str) -> RefusalError:
    """Return the refusal of a request that two readers could understand differently."""
    return RefusalError(Outcome.BAD_REQUEST, message)


def body_too_large(body_bytes_max: int) -> RefusalError:
    """Return the refusal of a body over the limit, announced or found on the way."""
    return RefusalError(
        Outcome.BODY_TOO_LARGE, f"Send a request body of at most {body_bytes_max} bytes."
    )

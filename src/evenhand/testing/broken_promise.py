"""What the suite raises."""


class BrokenPromiseError(AssertionError):
    """A policy does not keep what a policy must, or what it states of itself."""

    def __init__(self, promise: str, detail: str) -> None:
        super().__init__(f"{promise}: {detail}")
        self.promise = promise
        self.detail = detail


def require(is_kept: bool, promise: str, detail: str) -> None:  # noqa: FBT001 - as assert
    """Raise BrokenPromiseError unless it is kept."""
    if not is_kept:
        raise BrokenPromiseError(promise, detail)

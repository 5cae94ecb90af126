"""A host loop: a fault of our own ends the one call it hits, and leaves all others be."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar


class Crashable(Protocol):
    """Whose methods may be guarded."""

    def crashed(self, error: Exception) -> None:
        """Our own code failed: report it, and end the call. Must not raise."""


C = TypeVar("C", bound=Crashable)
P = ParamSpec("P")


def guarded(method: Callable[Concatenate[C, P], None]) -> Callable[Concatenate[C, P], None]:
    """What the method raises goes to its owner's `crashed` instead of to whoever called it."""

    @wraps(method)
    def guard(owner: C, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(owner, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - see the docstring
            owner.crashed(error)

    return guard

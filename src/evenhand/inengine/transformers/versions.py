"""Which releases of transformers the scheduler was tried with, and where they differ."""

from collections.abc import Mapping
from importlib.metadata import version as installed
from inspect import getattr_static
from types import MappingProxyType
from typing import Any

TRIED = ("5.17", "5.19", "5.20", "5.23")

# What is used of the scheduler, beside what any subclass has to define.
_ASKED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Scheduler": (
            "add_waiting_request",
            "clear_cancelled_requests",
            "finish_request",
            "reset",
            "_cleanup_waiting_queue",
            "_infer_request_tokens",
            "_process_candidates",
            "_schedule_request",
        ),
        "RequestState": ("create_equivalent_initial_request", "current_len"),
    }
)


class UnsupportedVersionError(RuntimeError):
    """A release of transformers that was not tried, or lacks what the scheduler needs."""


def check(version: str | None = None) -> None:
    """Of the release that is installed, unless another is named. Raises UnsupportedVersionError, which
    says what to install."""
    version = installed("transformers") if version is None else version
    minor = ".".join(version.split(".")[:2])
    if minor not in TRIED:
        raise UnsupportedVersionError(
            f"evenhand: transformers {version} was not tried with this scheduler. Install one of"
            f" {TRIED[0]} to {TRIED[-1]} (pip install 'evenhand[transformers]'), or leave"
            " scheduler_type='fifo'."
        )


def check_parts(parts: Mapping[str, Any]) -> None:
    """Whether these classes have what is used of them. Raises UnsupportedVersionError."""
    for name, attributes in _ASKED.items():
        for attribute in attributes:
            if getattr_static(parts[name], attribute, None) is None:
                raise UnsupportedVersionError(
                    f"evenhand: transformers {installed('transformers')} has no {name}.{attribute},"
                    " which the scheduler needs. Install another release (pip install"
                    " 'evenhand[transformers]'), or leave scheduler_type='fifo'."
                )


def tokens_max(cache: Any) -> int:
    """How many tokens a paged cache holds in all. Named anew in 5.19."""
    named = getattr(cache, "max_tokens_read", None)
    return int(cache.num_pages if named is None else named)

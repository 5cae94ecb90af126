"""What each part of a running gateway does for a change of its configuration."""

from collections.abc import Callable
from typing import Protocol

from evenhand.cli.config import Config
from evenhand.cli.config.problem import Finding

Apply = Callable[[], None]
"""Puts a planned change in force. Cannot fail, and is called at once or never: nothing happens in the
loop between plan and application."""


class Participant(Protocol):
    """One part that takes another configuration without a restart.

    Both configurations are valid by themselves. What differs between them and belongs to no
    participant's `sections` needs a restart, and the whole change is refused.
    """

    @property
    def sections(self) -> frozenset[str]:
        """The sections of `Config` that this part answers for."""

    def plan(self, old: Config, new: Config) -> Apply | list[Finding]:
        """How to get from `old` to `new`, or what stands in the way, each with its place in `new` and
        what to do. Changes nothing."""

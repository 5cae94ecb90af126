"""What an operator says of the scheduling inside an engine."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from evenhand.scheduling import PRESETS


class InEngineSettingsError(ValueError):
    """The settings cannot be used; the message says what to write instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InEngineSettings:
    """`policy` is a preset. `trust_hints`: who reaches the engine may say which tenant a request is of;
    only for an engine that nobody but a gateway reaches."""

    policy: str = "vtc"
    trust_hints: bool = False

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "InEngineSettings":
        """As an operator wrote it. Raises InEngineSettingsError."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(document.keys() - known)
        if unknown:
            raise InEngineSettingsError(
                f"evenhand: unknown setting {unknown[0]!r}. Known: {', '.join(sorted(known))}."
            )
        settings = cls(**document)
        if settings.policy not in PRESETS:
            raise InEngineSettingsError(
                f"evenhand: there is no policy {settings.policy!r}. Use one of {', '.join(PRESETS)}."
            )
        return settings

"""The live configuration of a gateway that starts: its file, with what was changed before."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from evenhand.cli.config import (
    AskedPolicy,
    Config,
    Lines,
    Loaded,
    ResolvedSecrets,
    look_outside,
    read,
    resolve,
)
from evenhand.cli.live.keeping import Keeping, KeptInDatabase, KeptInMemory
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.cli.live.override import Overlaid, overlaid, read_back
from evenhand.cli.live.place import text_of
from evenhand.stores import StateProblemError
from evenhand.stores.live_changes import LiveChanges, StoredOverride
from evenhand.telemetry import RequestLog


class Outside:
    """The secrets that the configuration refers to: of the change that is planned, while one is."""

    def __init__(self, secrets: ResolvedSecrets) -> None:
        self.secrets = secrets
        self._in_force = secrets

    def look(self, config: Config, lines: Lines) -> None:
        """Read them for that configuration. Raises ConfigurationError."""
        self.secrets = look_outside(Loaded(config, lines), os.environ)

    def settle(self, *, is_applied: bool) -> None:
        """The change is over."""
        if is_applied:
            self._in_force = self.secrets
        self.secrets = self._in_force


class Beginning:
    """`overlay` is the file alone until `found` says what the state database has."""

    def __init__(
        self, loaded: Loaded, secrets: ResolvedSecrets, file: Path, asked: AskedPolicy
    ) -> None:
        self.overlay = Overlaid(loaded.config, loaded.config)
        self.outside = Outside(secrets)
        self._file = file
        self._asked = asked
        self._lines = loaded.lines
        self._keeping: Keeping | None = None

    def found(self, rows: Sequence[StoredOverride], log: RequestLog) -> Config:
        """The configuration to start with. Raises StateProblemError, ConfigurationError."""
        try:
            overrides = [read_back(row) for row in rows]
        except ValueError as error:
            message = (
                f"an override in the state database is damaged ({error}): restore a backup of it"
            )
            raise StateProblemError(message) from None
        if overrides:
            self.overlay = overlaid(self.overlay.file, overrides)
            self.outside = Outside(resolve(self.overlay.config, os.environ, self._lines))
        for override, reason in self.overlay.aside:
            log.event("override_set_aside", place=text_of(override.place), reason=reason)
        return self.overlay.config

    def live(
        self,
        database: Path | None,
        log: RequestLog,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> LiveConfiguration:
        """Once, in the loop. `database` None: nothing is kept beyond the end."""
        keeping: Keeping = KeptInMemory()
        if database is not None:
            keeping = KeptInDatabase(LiveChanges(database))
        self._keeping = keeping
        return LiveConfiguration(
            self.overlay,
            read=lambda: read(self._file, self._asked),
            outside=self.outside,
            keeping=keeping,
            log=log,
            now_ms=now_ms,
        )

    def close(self) -> None:
        """Once, at the end, however far it has come."""
        if self._keeping is not None:
            self._keeping.close()

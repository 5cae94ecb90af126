"""Tells a gateway on the same machine whose the engine's time was: a file, replaced every second.

An engine answers nobody but over its own API, which has no place for this; and a file needs no port.
"""

import json
import logging
import threading
import time
import uuid
import weakref
from collections.abc import Callable
from pathlib import Path

from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.step_time import StepTime

_EVERY_S = 1.0
_log = logging.getLogger("evenhand.inengine")


def gpu_time(
    settings: InEngineSettings, place: Callable[[str], Path] = Path
) -> "StepTimeFile | None":
    """As the settings want it; `place` says where a file of that name is for this process."""
    if settings.gpu_time_file is None:
        return None
    times = StepTime(lambda: time.monotonic_ns() // 1000)
    return StepTimeFile(place(settings.gpu_time_file), times)


class StepTimeFile:
    """Writes on a thread of its own, which ends with this, so that it also tells of an engine that has
    nothing to do. `close` writes once more."""

    def __init__(self, path: Path, times: StepTime) -> None:
        self._path = path
        self.times = times
        self._run = uuid.uuid4().hex
        self._ends = threading.Event()
        self._has_failed = False
        # Not every engine says when it ends: whoever forgets this ends the thread.
        own = weakref.ref(self)
        self._thread = threading.Thread(
            target=_write_on, args=(own, self._ends), name="evenhand-time", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Write the last of it."""
        self._ends.set()
        self._thread.join(2 * _EVERY_S)
        self.write()

    def write(self) -> None:
        """Replace the file."""
        times = self.times.now()
        told = {
            "run": self._run,
            "since_us": times.since_us,
            "until_us": times.until_us,
            "idle_us": times.idle_us,
            "owners": [
                ["/".join(owner.tenant), owner.application, us]
                for owner, us in times.by_owner.items()
            ],
        }
        unfinished = self._path.with_name(f".{self._path.name}.unfinished")
        try:
            unfinished.write_text(json.dumps(told))
            unfinished.replace(self._path)
        except OSError as error:
            if not self._has_failed:
                _log.warning(
                    "evenhand: gpu_time_file %s cannot be written (%s): see to folder and rights",
                    self._path,
                    error.strerror,
                )
            self._has_failed = True


def _write_on(own: "weakref.ref[StepTimeFile]", ends: threading.Event) -> None:
    while not ends.wait(_EVERY_S):
        kept = own()
        if kept is None:
            return
        kept.write()
        del kept  # while it waits, nothing is to be kept alive

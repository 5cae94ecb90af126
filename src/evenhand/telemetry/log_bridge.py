"""What libraries say through `logging`, as lines of our own log: one JSON object each, never more."""

import logging
import traceback

from evenhand.telemetry.request_log import RequestLog

_FRAMES_MAX = 8


class LogBridge(logging.Handler):
    """Give it to `logging.basicConfig`. Writes an event named after the level, with the logger, the
    message, and for an exception its frames, the innermost first."""

    def __init__(self, log: RequestLog) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"logger": record.name, "message": record.getMessage()}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            fields["error"] = f"{type(error).__name__}: {error}"
            fields["frames"] = _frames(error)
        self._log.event(record.levelname.lower(), **fields)


def _frames(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_MAX:]
    return " < ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in reversed(frames)
    )

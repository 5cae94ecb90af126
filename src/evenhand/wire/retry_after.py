"""When to come back, as an engine puts it in a header."""

import re
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]{1,9}")


def wait_ms(retry_after: str | None) -> int | None:
    """Milliseconds of a `Retry-After` in seconds; None: there is none, or it is a date."""
    if retry_after is None or not _SECONDS.fullmatch(retry_after):
        return None
    return int(retry_after) * 1000

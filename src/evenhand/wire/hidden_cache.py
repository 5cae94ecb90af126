"""How much of a prompt was cached, taken out of an answer: where an engine keeps one cache for tenants
of several trust domains, the figure tells what others have asked.
"""

import json
import re
from typing import Any, Final

from evenhand.wire.members import scan

_CACHED: Final = re.compile(rb'("(?:cached_tokens|cache_write_tokens)"\s*:\s*)([0-9]+)')
"""A member, because in a text the quotes are escaped."""
_PER_TURN: Final = re.compile(rb'("cached_tokens_per_turn"\s*:\s*)\[[^\]]*\]')
_USAGE: Final = re.compile(rb'("usage"\s*:\s*)(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})')
_READ, _WRITTEN = "cache_read_input_tokens", "cache_creation_input_tokens"


def without_cached(answer: bytes) -> bytes:
    """Every such figure as 0, and as long as it was: of completions and of `/v1/responses`."""
    if b'"cached_tokens' not in answer:
        return answer
    answer = _PER_TURN.sub(rb"\1[]", answer)
    return _CACHED.sub(lambda found: found[1] + b"0" + b" " * (len(found[2]) - 1), answer)


def without_cached_in_messages_events(events: bytes) -> bytes:
    """The same for events of `/v1/messages`: all input as if it had been computed."""
    if b'"cache_' not in events:
        return events
    return _USAGE.sub(lambda found: found[1] + _whole_input(found[2]), events)


def without_cached_in_message(answer: bytes) -> bytes:
    """The same for a whole answer of `/v1/messages`, where only the outermost usage is one: calls of
    tools have members of any name."""
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        return answer  # the caller passes no such answer on
    if not isinstance(document, dict) or not isinstance(document.get("usage"), dict):
        return answer
    put = b',"usage":' + _whole_input(json.dumps(document["usage"]).encode())
    return scan(answer, document).rewritten(drop=["usage"], put=put)


def _whole_input(usage: bytes) -> bytes:
    said: dict[str, Any]
    try:
        said = json.loads(usage)
    except (ValueError, RecursionError):
        return b"null"  # nothing is told rather than too much
    parts = [said.get(name) for name in ("input_tokens", _READ, _WRITTEN)]
    if _READ in said or _WRITTEN in said:
        said["input_tokens"] = sum(part for part in parts if type(part) is int)
        said.pop("cache_creation", None)
        said |= dict.fromkeys([name for name in (_READ, _WRITTEN) if name in said], 0)
    return json.dumps(said, separators=(",", ":")).encode()

"""How much of a prompt was cached, taken out of an answer: where an engine keeps one cache for tenants
of several trust domains, the figure tells what others have asked.
"""

import re

_CACHED = re.compile(rb'("cached_tokens"\s*:\s*)([0-9]+)')
"""A member, because in a text the quotes are escaped."""


def without_cached(answer: bytes) -> bytes:
    """Every such figure as 0, and as long as it was."""
    if b'"cached_tokens"' not in answer:
        return answer
    return _CACHED.sub(lambda found: found[1] + b"0" + b" " * (len(found[2]) - 1), answer)

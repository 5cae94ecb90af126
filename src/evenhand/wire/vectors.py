"""Embeddings cut out of an answer, so that reading its usage does not cost the time of parsing them.

Parsing 30 MB of floats would hold up everybody's streams for a fifth of a second.
"""

import re

# Quotes inside a JSON string are escaped, so this stands in no text.
_VECTOR = re.compile(rb'"embedding"\s*:\s*([\["])')
_CLOSING = {b"[": b"]", b'"': b'"'}


def without_vectors(body: bytes) -> bytes:
    """`body` with null for each embedding, floats or base64, as far as it is what it looks like: the
    rest may turn out to be no JSON (vectors of vectors), and then the whole must be parsed."""
    if b'"embedding"' not in body:
        return body
    kept: list[bytes] = []
    position = 0
    while (found := _VECTOR.search(body, position)) is not None:
        end = body.find(_CLOSING[found[1]], found.end())
        if end < 0:
            break
        kept += (body[position : found.start(1)], b"null")
        position = end + 1
    return b"".join([*kept, body[position:]])

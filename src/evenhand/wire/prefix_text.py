"""The text by which prompts are compared for what they share, in the order in which engines read it.

Templates put tools before messages, and messages in their order, so two bodies that begin alike here
begin alike in the engine's cache. Raw JSON is compared, not what it means: clients of one kind write it
alike, and a difference only loses a match.
"""

from evenhand.model import ModelName
from evenhand.wire.members import Members

PREFIX_BYTES_MAX = 256 << 10
"""Of the text that is compared; what follows counts as unlike."""

_IN_ORDER = (
    *("chat_template", "tools", "functions", "documents"),
    *("system", "instructions", "messages", "prompt", "input"),
)


def token_prefix(model: ModelName, ids: bytes) -> bytes:
    """The same for a prompt whose token ids are known, packed in bytes of one width. It has nothing in
    common with any text."""
    return b"\0" + model.encode() + b"\n" + ids


def prefix_text(model: ModelName, members: Members) -> bytes:
    """Begins with the model, because models share no cache. Bounded."""
    body, values = members.body, members.values
    parts = [model.encode()]
    parts += [body[slice(*values[key])] for key in _IN_ORDER if key in values]
    return b"\n".join(parts)[:PREFIX_BYTES_MAX]

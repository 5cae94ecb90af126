"""What a waiting request can run on: the engines of its model, less one that has failed it."""

from typing import NamedTuple

from evenhand.model import EngineName, ModelName


class Pool(NamedTuple):
    """Requests of one pool compete for the same engines. `avoid` is set on a second try."""

    model: ModelName
    avoid: EngineName | None = None

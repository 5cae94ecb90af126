"""What is known of an engine at one moment, from whatever source."""

from typing import NamedTuple


class Evidence(NamedTuple):
    """`waiting` is how many requests the engine holds and does not work on, `has_room` whether all that
    it was given is seen to be worked on. Both may be unclear: then nothing waits and there is no room.
    `target` may wait there, `most` is more than should."""

    waiting: int
    has_room: bool
    target: int
    most: int

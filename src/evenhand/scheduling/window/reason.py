"""Why a window is what it is."""

from enum import StrEnum


class WindowReason(StrEnum):
    """What the last change of a window was made for."""

    START = "start"
    ROOM = "room"
    ENGINE_QUEUE = "engine_queue"
    SLOW_ANSWERS = "slow_answers"
    MEMORY = "memory"
    PREEMPTION = "preemption"
    STALE = "stale"

    @property
    def words(self) -> str:
        """For people, beside the window in the live state."""
        return _WORDS[self]


_WORDS = {
    WindowReason.START: "where it begins; nothing has given cause to change it",
    WindowReason.ROOM: "the engine had room for more, and requests waited here for it",
    WindowReason.ENGINE_QUEUE: "requests waited inside the engine",
    WindowReason.SLOW_ANSWERS: "answers came late, as they do when requests wait inside the engine",
    WindowReason.MEMORY: "the engine's memory for prompts and answers was full",
    WindowReason.PREEMPTION: "the engine threw requests out again for want of memory",
    WindowReason.STALE: "the engine has ceased to say how it is, so it is given less",
}

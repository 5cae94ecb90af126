"""Tokens of one tenant within the last minute, in buckets of a second."""

from collections import deque

WINDOW_S = 60
MEMORY_MS = (WINDOW_S + 1) * 1000
"""When nothing that was counted can count any more."""


class TokenWindow:
    """What is counted in a second counts until 60 seconds after that second: a window of 60 s and what
    is left of a second. Every bucket holds at least 0."""

    __slots__ = ("_buckets", "tokens")

    def __init__(self) -> None:
        # Bounded: one for each second of the window.
        self._buckets: deque[list[int]] = deque(maxlen=WINDOW_S + 1)
        self.tokens = 0
        """In the window, as of the last `slide`."""

    def slide(self, now_ms: int) -> None:
        """Let go of what has left the window."""
        buckets, ended_s = self._buckets, now_ms // 1000 - WINDOW_S
        while buckets and buckets[0][0] < ended_s:
            self.tokens -= buckets.popleft()[1]

    def count(self, tokens: int, now_ms: int) -> None:
        """So many more at this moment. Call `slide` before."""
        second = now_ms // 1000
        if not self._buckets or self._buckets[-1][0] != second:
            self._buckets.append([second, 0])
        self._buckets[-1][1] += tokens
        self.tokens += tokens

    def give_back(self, tokens: int, counted_ms: int) -> None:
        """Of what was counted at that moment so many were not used; nothing if that has left the
        window. Call `slide` before."""
        for bucket in self._buckets:
            if bucket[0] == counted_ms // 1000:
                bucket[1] -= tokens
                self.tokens -= tokens
                return

    def wait_ms(self, tokens: int, limit: int, now_ms: int) -> int:
        """When so many more would be within the limit if no others came: 0, now. What is more than the
        limit by itself fits into an empty window. Call `slide` before."""
        left, wait_ms = self.tokens, 0
        for second, counted in self._buckets:
            if left == 0 or left + tokens <= limit:
                break
            left -= counted
            wait_ms = (second + WINDOW_S + 1) * 1000 - now_ms
        return wait_ms

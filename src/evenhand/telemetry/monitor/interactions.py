"""How many calls interactions have, of those that clients name. Bounded: the one that was quiet longest
is taken to be over."""

from collections import OrderedDict

from evenhand.model import InteractionId
from evenhand.telemetry.monitor.profile import Who

OPEN_MAX = 4_096
QUIET_MS = 600_000


class Interactions:
    """Calls by interaction, in the order of their last."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[Who, InteractionId], tuple[int, int]] = OrderedDict()

    def called(self, who: Who, interaction: InteractionId, now_ms: int) -> None:
        """A call of it has ended."""
        key = (who, interaction)
        calls, _ = self._open.pop(key, (0, 0))
        self._open[key] = (calls + 1, now_ms)

    def over(self, now_ms: int) -> list[tuple[Who, int]]:
        """Those that are over since this was asked last, and their calls."""
        found = []
        while self._open:
            (who, interaction), (calls, last_ms) = next(iter(self._open.items()))
            if len(self._open) <= OPEN_MAX and now_ms - last_ms < QUIET_MS:
                break
            del self._open[who, interaction]
            found.append((who, calls))
        return found

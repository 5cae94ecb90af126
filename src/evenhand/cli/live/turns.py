"""Who runs next: policy, lanes and the limits of the queue, exchanged under requests that wait and
run."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from evenhand.cli.composition import scheduler_settings
from evenhand.cli.config import Config
from evenhand.cli.config.problem import Finding, Place
from evenhand.cli.live.limits import QUEUE_LIMITS
from evenhand.cli.live.participant import Apply
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.gateway.shadow_host import ShadowHost

_OBSERVING: Final = (
    "`mode: observe` compares the two orders that it began with: take the change back, or start the"
    " gateway anew with it"
)
_KEPT: Final = (
    "what lanes keep free has changed, and engines with `window: auto` have reckoned with it since the"
    " start: keep the same in all, or start the gateway anew"
)


class Turns:
    """See `Participant`. Nobody who waits loses its place, nobody who runs its slot."""

    sections = frozenset({"policy", "lanes", "limits", "cost", "applications"})

    def __init__(self, dispatcher: Dispatcher, shadow: ShadowHost | None) -> None:
        self._dispatcher = dispatcher
        self._shadow = shadow

    def plan(self, old: Config, new: Config) -> Apply | list[Finding]:
        place = next(_changed(old, new), None)
        if place is None:
            return lambda: None
        if self._shadow is not None:
            return [(place, _OBSERVING)]
        if _kept_percent(old) != _kept_percent(new) and any(
            e.window == "auto" for e in new.engines
        ):
            return [(("lanes",), _KEPT)]
        scheduler = self._dispatcher.scheduler
        wanted = replace(scheduler_settings(new), tenants=scheduler.settings.tenants)
        obstacles = scheduler.obstacles(wanted)
        if obstacles:
            return [(place, obstacle) for obstacle in obstacles]

        def apply() -> None:
            scheduler.exchange(wanted, self._dispatcher.now_ms())
            # Not now: the change is not whole yet.
            asyncio.get_running_loop().call_soon(self._dispatcher.pump)

        return apply


def _changed(old: Config, new: Config) -> Iterator[Place]:
    for section in ("policy", "lanes", "cost", "applications"):
        if getattr(old, section) != getattr(new, section):
            yield (section,)
    for name in QUEUE_LIMITS:
        if getattr(old.limits, name) != getattr(new.limits, name):
            yield "limits", name


def _kept_percent(config: Config) -> int:
    return sum(lane.floor_percent for lane in config.lanes if lane.keep_floor_free)

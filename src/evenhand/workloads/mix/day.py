"""The mix's own time, in which nothing varies by the hour, and a day in which it does."""

import numpy as np

from evenhand.workloads.draws import Floats
from evenhand.workloads.mix import figures

DAY_S = 86_400


class Clock:
    """Turns the mix's own seconds into milliseconds since the start: by the curve of a day, again each
    day, or one to one."""

    def __init__(self, *, is_day: bool) -> None:
        hours = np.array(figures.HOURS) if is_day else np.ones(24)
        self._own_s = DAY_S * np.concatenate(([0.0], np.cumsum(hours / hours.sum())))
        self._day_s = np.linspace(0, DAY_S, 25)

    def ms(self, own_s: Floats | float) -> Floats:
        """When that is. Rises with `own_s`."""
        days = np.floor_divide(own_s, DAY_S)
        return 1000 * (days * DAY_S + np.interp(own_s - days * DAY_S, self._own_s, self._day_s))

"""What a call of an application is expected to use, in weighted tokens, and a call of its model.

Either the mean or a quantile of the calls that ended, the older ones counting less. Calls that were
broken off count like others: what is charged teaches, or a client that leaves early could choose what
it teaches.
"""

from collections.abc import Mapping

from evenhand.model import ApplicationName, ModelName
from evenhand.scheduling.histogram import DecayedHistogram

_SHIFT = 8
"""Means are kept times 2^8, so that small steps do not round away."""

APPLICATIONS_MAX = 1_024
"""Pairs of application and model of which something is remembered; beyond, the one goes whose last call
ended longest ago."""

_Learned = tuple[int, int] | DecayedHistogram
"""A mean times 2^8 and how many calls made it, up to the memory; or how calls are spread."""


class Expectations:
    """`percent` 0: the mean, over the last `memory_calls` or so. `configured` overrides what is learned
    of an application, for every model."""

    def __init__(
        self, *, configured: Mapping[ApplicationName, int], percent: int, memory_calls: int
    ) -> None:
        assert all(units >= 1 for units in configured.values())
        self._configured = configured
        self._percent = percent
        self._memory_calls = memory_calls
        self._by_application: dict[tuple[ApplicationName, ModelName], _Learned] = {}
        # Bounded by the models of the configuration.
        self._by_model: dict[ModelName, _Learned] = {}

    def of_model(self, model: ModelName) -> int | None:
        """Over all its applications; at least 1. None: nothing is known."""
        return self._value(self._by_model.get(model))

    def of_application(self, application: ApplicationName, model: ModelName) -> int | None:
        """At least 1. None: nothing is known."""
        configured = self._configured.get(application)
        if configured is not None:
            return configured
        return self._value(self._by_application.get((application, model)))

    def learn(self, application: ApplicationName, model: ModelName, units: int) -> None:
        """What a call has used, in weighted tokens."""
        self._by_model[model] = self._taken_in(self._by_model.get(model), units)
        if application in self._configured:
            return
        key, known = (application, model), self._by_application
        # The last to be learned of stands last.
        known[key] = self._taken_in(known.pop(key, None), units)
        if len(known) > APPLICATIONS_MAX:
            del known[next(iter(known))]

    def _value(self, learned: _Learned | None) -> int | None:
        if learned is None:
            return None
        if isinstance(learned, DecayedHistogram):
            return max(1, learned.quantile(self._percent))
        return max(1, learned[0] >> _SHIFT)

    def _taken_in(self, learned: _Learned | None, units: int) -> _Learned:
        if self._percent:
            histogram = learned or DecayedHistogram(memory=self._memory_calls)
            assert isinstance(histogram, DecayedHistogram)
            histogram.add(units)
            return histogram
        assert not isinstance(learned, DecayedHistogram)
        mean, calls = learned or (0, 0)
        calls = min(calls + 1, self._memory_calls)
        return (mean * (calls - 1) + (units << _SHIFT)) // calls, calls

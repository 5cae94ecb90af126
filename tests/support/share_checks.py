"""What a fair run must show. Each check raises AssertionError; controls see to it that it does."""

import gc
from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations
from types import FunctionType, MethodType, ModuleType

from evenhand.model import TenantPath
from support.simulated_engines import Figures, SimulatedEngines


def check_shares(
    served: Mapping[TenantPath, int], fair: Mapping[TenantPath, Fraction], margin: Fraction
) -> None:
    """Everybody has received his fair share but for a part of it."""
    for tenant, share in fair.items():
        error = abs(served[tenant] - share)
        told = f"{tenant}: {served[tenant]} of {float(share):.0f} units"
        assert error <= margin * share, f"{told}, off by {float(error / share):.2%}"


class LagMeter:
    """Watches a run. The lag of two tenants is the difference of their service per weight over any
    interval in which both wait throughout: of what was `done` for them, and of what was `given` them,
    the whole of every request started. The first holds what was in flight before, which no policy can
    help. `unusual` counts the moments at which more than `usual_units` were given since both began to
    wait."""

    def __init__(self, weights: Mapping[str, int], usual_units: int) -> None:
        self._pairs = [((f,), (g,), weights[f], weights[g]) for f, g in combinations(weights, 2)]
        self._spans: dict[tuple[TenantPath, TenantPath], tuple[int, int, int, int, int]] = {}
        self._usual_units = usual_units
        self.done_units_max = self.given_units_max = self.moments = self.unusual = 0

    def __call__(self, run: SimulatedEngines) -> None:
        done, given, waiting = run.figures.units, run.figures.given_units, run.waiting
        for f, g, weight_f, weight_g in self._pairs:
            if not (waiting[f] and waiting[g]):
                self._spans.pop((f, g), None)
                continue
            ahead = done[f] * weight_g - done[g] * weight_f
            ahead_given = given[f] * weight_g - given[g] * weight_f
            begin = (ahead, ahead, ahead_given, ahead_given, ahead_given)
            low, high, low_given, high_given, first = self._spans.get((f, g), begin)
            low, high = min(low, ahead), max(high, ahead)
            low_given, high_given = min(low_given, ahead_given), max(high_given, ahead_given)
            self._spans[f, g] = low, high, low_given, high_given, first
            scale = weight_f * weight_g
            self.done_units_max = max(self.done_units_max, (high - low) // scale)
            self.given_units_max = max(self.given_units_max, (high_given - low_given) // scale)
            self.moments += 1
            self.unusual += abs(ahead_given - first) > self._usual_units * scale


def check_lag(meter: LagMeter, bound_units: int) -> None:
    """F1: the policy's bound, of what was done and of what was given."""
    assert meter.moments, "nobody ever waited beside another"
    largest = max(meter.done_units_max, meter.given_units_max)
    assert largest <= bound_units, f"a lag of {largest} units, {bound_units} promised"


def check_lag_is_usually_small(meter: LagMeter) -> None:
    """F1's practical figure: more is given than is usual in at most a hundredth of the moments."""
    assert meter.moments, "nobody ever waited beside another"
    assert meter.unusual * 100 <= meter.moments, f"{meter.unusual} of {meter.moments} moments"


def check_nobody_is_passed_over(figures: Figures, bound_units: int) -> None:
    """F4: who waits sees at most so much done for all others before one of its own starts."""
    for tenant, units in figures.passed_over_units.items():
        assert units <= bound_units, f"{tenant} was passed over for {units}, {bound_units} promised"


def check_advantage(attack_units: int, behaving_units: int, most: Fraction) -> None:
    """What an attack gains: service by it over service of the same tenant behaving."""
    gain = Fraction(attack_units, behaving_units)
    assert gain <= most, f"an advantage of {float(gain):.3f}, {float(most):.3f} at most"


def check_waits(attacked_us: list[int], before_us: list[int], most: Fraction) -> None:
    """A victim's p99 wait is at most that many times what it was."""
    p99, was = quantile_us(attacked_us), quantile_us(before_us)
    assert p99 <= was * most, f"p99 wait {p99} us, was {was} us"


def quantile_us(waits_us: list[int], part: Fraction = Fraction(99, 100)) -> int:
    return sorted(waits_us)[int(part * (len(waits_us) - 1))]


def retained_objects(root: object) -> int:
    """How many objects are kept alive beneath one: what it remembers, in whatever structure."""
    seen, stack = {id(root)}, [root]
    while stack:
        for child in gc.get_referents(stack.pop()):
            if id(child) not in seen and not isinstance(child, _SHARED):
                seen.add(id(child))
                stack.append(child)
    return len(seen)


_SHARED = (type, ModuleType, FunctionType, MethodType)
"""Belong to the program, not to a run."""


def check_little_is_remembered(now_objects: int, before_objects: int, most: int) -> None:
    """What a storm leaves behind does not grow with the storm."""
    grown = now_objects - before_objects
    assert grown <= most, f"{grown} objects are kept of what has ended, {most} at most"

"""The requests that decode together, and how full the cache would ever get with one more.

Every answer's length is known, so the tokens held at any later step are too. The worst step is one at
which an answer ends. With answers in order of their ends, latest first, and ends counted in steps of the
engine's life, at the end of the i-th it and the i - 1 before it hold

    peak_i = (end_i - 1) i + base_1 + ... + base_i

tokens, where base = tokens held - steps so far, which does not change while a request decodes. One more
moves all peaks after its place by the same plus the end of each, so a test costs O(log batch).
"""

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

from evenhand.model import TenantPath
from evenhand.sim.job import Job


class Member:
    """A job of the batch. It has all its tokens after the step `end`; S-LoRA takes that for one step
    later until the prefill is done."""

    __slots__ = ("base", "end", "job")

    def __init__(self, job: Job, step: int) -> None:
        self.job = job
        self.base = job.ask.input_tokens + 1 - step
        self.end = step + job.ask.output_tokens


class _Peaks(NamedTuple):
    ends: list[int]
    """Negated, so that they rise."""
    bases: list[int]
    """Of all before each place."""
    before: list[int]
    """The highest peak before each place."""
    after: list[int]
    """The highest sum of a peak and its end from each place on."""


class Batch:
    """Members by their ends, latest first. Bounded by the engine's `sequences_max`."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.tenants: dict[TenantPath, int] = {}
        self._bases = 0
        self._known: _Peaks | None = None

    def __len__(self) -> int:
        return len(self.members)

    def add(self, member: Member) -> None:
        """At its place."""
        place = bisect_right(self.members, -member.end, key=_rank)
        self.members.insert(place, member)
        tenant = member.job.ask.tenant
        self.tenants[tenant] = self.tenants.get(tenant, 0) + 1
        self._bases += member.base
        self._known = None

    def remove(self, member: Member) -> None:
        """One that is there."""
        self.members.remove(member)
        self._forget(member)

    def take_ended(self, step: int) -> list[Member]:
        """Those that have all their tokens after this step, and are members no more."""
        ended, members = [], self.members
        while members and members[-1].end <= step:
            ended.append(members.pop())
            self._forget(ended[-1])
        return ended

    def tokens(self, step: int) -> int:
        """Held in the cache after this step."""
        return self._bases + len(self.members) * step

    def peak_with(self, input_tokens: int, output_tokens: int, step: int) -> int:
        """The most tokens ever held if a request of these lengths came in after this step."""
        ends, bases, before, after = self._known or self._peaks()
        end, base = step + output_tokens, input_tokens + 1 - step
        place = bisect_right(ends, -end)
        peak = max(before[place], (end - 1) * (place + 1) + bases[place] + base)
        return max(peak, after[place] - 1 + base) if place < len(after) else peak

    def first_fit(
        self, input_tokens: int, output_tokens: int, room: int, step: int, until: int
    ) -> int:
        """The first step from `step` on after which a request of these lengths would keep the peak below
        `room`; `until` if none before is."""
        ends, _, _, after = self._known or self._peaks()
        while step < until:
            if self.peak_with(input_tokens, output_tokens, step) < room:
                return step
            # Until its place changes, only the peaks after it fall, by one a step.
            place = bisect_right(ends, -step - output_tokens)
            moves = -ends[place - 1] - output_tokens + 1 if place else until
            later = after[place] + input_tokens - room + 1 if place < len(after) else until
            step = min(moves, max(step + 1, later), until)
        return until

    def _peaks(self) -> _Peaks:
        ends = [member.end for member in self.members]
        bases = [0, *accumulate(member.base for member in self.members)]
        peaks = [(end - 1) * i + bases[i] for i, end in enumerate(ends, start=1)]
        before = [0, *accumulate(peaks, max)]
        sums = [peak + end for peak, end in zip(peaks, ends, strict=True)]
        after = list(accumulate(reversed(sums), max))[::-1]
        self._known = _Peaks([-end for end in ends], bases, before, after)
        return self._known

    def _forget(self, member: Member) -> None:
        tenant = member.job.ask.tenant
        self.tenants[tenant] -= 1
        if not self.tenants[tenant]:
            del self.tenants[tenant]
        self._bases -= member.base
        self._known = None


def _rank(member: Member) -> int:
    return -member.end

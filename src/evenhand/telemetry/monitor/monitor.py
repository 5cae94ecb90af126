"""Learns what applications do, and notices what looks wrong. Told of requests as they end, it looks at
them once a second; nothing is refused for what it finds."""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence

from evenhand.model import ENDINGS, ApplicationName, Outcome, TenantPath
from evenhand.telemetry.alarms import Found, Kind
from evenhand.telemetry.monitor.drift import Shift
from evenhand.telemetry.monitor.interactions import Interactions
from evenhand.telemetry.monitor.over_share import QUEUED_MIN, over_share
from evenhand.telemetry.monitor.profile import Drifted, Profile, Who
from evenhand.telemetry.monitor.suspicion import Suspicion, Suspicions
from evenhand.telemetry.monitor.tallies import Tallies
from evenhand.telemetry.record import RequestRecord
from evenhand.telemetry.samples import Sample

PROFILES_MAX = 2_000
RECORDS_MAX = 100
"""Requests of half a second that are looked at; the others of it are only counted."""
DRIFTS_MAX = 200
DRIFT_STANDS_MS = 600_000
FORGED_MIN = 20
STORM_MIN = 100
OVER_SHARE_S = 10
PADDED_BY = 4
_OWN_INTERACTION = "int_"
_REFUSED = frozenset(
    outcome
    for outcome, ending in ENDINGS.items()
    if ending.status in (429, 503) and outcome is not Outcome.NO_ENGINE
)


class Monitor:
    """Use from the loop's thread. Bounded in all that it keeps."""

    def __init__(self) -> None:
        self._profiles: OrderedDict[Who, Profile] = OrderedDict()
        self._records: list[RequestRecord] = []
        self._tallies = Tallies()
        self._interactions = Interactions()
        self._suspicions = Suspicions()
        self._drifts: deque[Drifted] = deque(maxlen=DRIFTS_MAX)
        self._seconds = 0
        self._now_ms = 0
        self._over: dict[TenantPath, int] = {}
        self.unseen = 0
        """Requests that were not looked at, because too many ended in one second."""

    # As requests come and end.

    def ended(self, record: RequestRecord) -> None:
        """A request has ended."""
        if len(self._records) < RECORDS_MAX:
            self._records.append(record)
        else:
            self.unseen += 1

    def forged(self, tenant: TenantPath, application: ApplicationName) -> None:
        """A request carried hints that only a gateway may give."""
        self._tallies.of(Who(tenant, application)).forged += 1

    def resent(self, tenant: TenantPath, application: ApplicationName) -> None:
        """A client says that it has sent this before."""
        self._tallies.of(Who(tenant, application)).resent += 1

    # Once a second.

    def look(self, sample: Sample) -> Iterable[Found]:
        """Take a second in; what is wrong at its end."""
        now_ms = self._now_ms = sample.at_ms
        self.take()
        for who, calls in self._interactions.over(now_ms):
            self._drifted(who, self._profile(who).interaction(calls), now_ms)
        self._tallies.second()
        self._seconds += 1
        if self._seconds % 60 == 0:
            for profile in self._profiles.values():
                profile.minute()
            self._suspicions.forget(now_ms)
        return [*self._over_share(sample), *self._counted(now_ms), *self._shifts(now_ms)]

    def take(self) -> None:
        """Take in the requests that have ended since the last time. May be called at any time, so that
        they do not all have to be taken in at once."""
        records, self._records = self._records, []
        for record in records:
            self._take(record, self._now_ms)

    # Questions.

    def profiles(self, most: int) -> list[tuple[Who, Profile]]:
        """Those with most requests."""
        every = sorted(self._profiles.items(), key=lambda item: item[1].requests, reverse=True)
        return every[:most]

    def suspicions(self) -> list[Suspicion]:
        """The one confirmed last first."""
        return self._suspicions.listed()

    def drifts(self) -> Sequence[Drifted]:
        """The newest first."""
        return list(reversed(self._drifts))

    # Inside.

    def _take(self, record: RequestRecord, now_ms: int) -> None:
        tenant = record["tenant"]
        if tenant is None:
            return
        who = Who(tenant, record["application"])
        tally = self._tallies.of(who)
        tally.ended += 1
        outcome = record["outcome"]
        if outcome in _REFUSED:
            tally.refused += 1
        if outcome is not Outcome.COMPLETED:
            return
        profile = self._profile(who)
        shifts = profile.answered(
            record["input_tokens"], record["cached_input_tokens"], record["output_tokens"], now_ms
        )
        if shifts:
            self._drifted(who, shifts, now_ms)
        interaction = record["interaction"]
        if interaction.startswith(_OWN_INTERACTION):
            self._drifted(who, profile.interaction(1), now_ms)
        else:
            self._interactions.called(who, interaction, now_ms)

    def _profile(self, who: Who) -> Profile:
        profile = self._profiles.get(who)
        if profile is None:
            profile = self._profiles[who] = Profile()
            if len(self._profiles) > PROFILES_MAX:
                self._profiles.popitem(last=False)
        else:
            self._profiles.move_to_end(who)
        return profile

    def _drifted(self, who: Who, shifts: Iterable[tuple[str, Shift]], now_ms: int) -> None:
        for measure, shift in shifts:
            cached = self._profile(who).cached.quantile(50)
            drifted = Drifted(who, measure, shift, now_ms, min(100, cached))
            self._drifts.append(drifted)
            if _is_padded(drifted):
                self._suspect(_padded(drifted), who, now_ms)

    def _over_share(self, sample: Sample) -> Iterator[Found]:
        before, self._over = self._over, {}
        for row, times in over_share(sample):
            seconds = self._over[row.path] = before.get(row.path, 0) + 1
            evidence = (
                f"{'/'.join(row.path)} lets {row.queued} requests wait, for its weight {times} times as"
                " many as the others that wait"
            )
            if seconds >= OVER_SHARE_S:
                self._suspicions.confirm(
                    Kind.OVER_SHARE, row.path, None, evidence=evidence, now_ms=sample.at_ms
                )
            yield Found(Kind.OVER_SHARE, row.queued, QUEUED_MIN, "requests", evidence, row.path)

    def _counted(self, now_ms: int) -> Iterator[Found]:
        for who, tally in self._tallies.recent().items():
            if tally.forged >= FORGED_MIN:
                evidence = f"{_name(who)}: {tally.forged} requests of five minutes had forged hints"
                value, least = tally.forged, FORGED_MIN
                found = _found(Kind.FORGED_HINTS, who, evidence, value=value, threshold=least)
                yield self._suspect(found, who, now_ms)
            again = max(tally.refused, tally.resent)
            if again >= STORM_MIN and 2 * again > tally.ended:
                evidence = (
                    f"{_name(who)}: of {tally.ended} requests of five minutes {tally.refused} were"
                    f" refused, and {tally.resent} had been sent before"
                )
                found = _found(Kind.RETRY_STORM, who, evidence, value=again, threshold=STORM_MIN)
                yield self._suspect(found, who, now_ms)

    def _shifts(self, now_ms: int) -> Iterator[Found]:
        for drifted in self._drifts:
            if now_ms - drifted.at_ms < DRIFT_STANDS_MS:
                yield _drift(drifted)
                if _is_padded(drifted):
                    yield _padded(drifted)

    def _suspect(self, found: Found, who: Who, now_ms: int) -> Found:
        self._suspicions.confirm(found.kind, who.tenant, who, evidence=found.what, now_ms=now_ms)
        return found


_WORDS = {
    "input": "input tokens",
    "output": "output tokens",
    "calls": "calls of an interaction",
}

_UNITS = {
    Kind.FORGED_HINTS: "requests",
    Kind.RETRY_STORM: "requests",
    Kind.DRIFT: "median",
}


def _name(who: Who) -> str:
    return f"{'/'.join(who.tenant)} ({who.application})"


def _drift(drifted: Drifted) -> Found:
    before, after = drifted.shift
    what = f"the median of {_WORDS[drifted.measure]} went from {before} to {after}"
    evidence = f"{_name(drifted.who)}: {what}"
    return _found(Kind.DRIFT, drifted.who, evidence, value=after, threshold=before)


def _is_padded(drifted: Drifted) -> bool:
    before, after = drifted.shift
    return drifted.measure == "input" and after >= PADDED_BY * max(1, before)


def _padded(drifted: Drifted) -> Found:
    found = _drift(drifted)
    evidence = f"{found.what}; {drifted.cached_percent} % of a prompt is cached"
    return found._replace(kind=Kind.PADDED_PROMPTS, what=evidence)


def _found(kind: Kind, who: Who, what: str, *, value: int, threshold: int) -> Found:
    unit = _UNITS[kind]
    return Found(kind, value, threshold, unit, what, who.tenant, None, who.application)

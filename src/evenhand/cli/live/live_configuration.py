"""The configuration of a gateway that runs, and the one way to change it.

    patches, or the file anew -> candidate -> checked -> planned by every part -> on disk -> in force

A change is refused whole, with words, before anything has happened; or it is in force whole, within one
turn of the loop. Nothing that is in flight is lost or granted service by it.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from evenhand.cli.config import Config, ConfigurationError, Lines, Loaded
from evenhand.cli.config.problem import Finding
from evenhand.cli.live.change_rows import rows_of
from evenhand.cli.live.difference import Difference, differences
from evenhand.cli.live.keeping import Keeping
from evenhand.cli.live.override import (
    OVERRIDES_MAX,
    Overlaid,
    contradictions,
    moved_on,
    overlaid,
    stored,
    whole,
)
from evenhand.cli.live.participant import Apply, Participant
from evenhand.cli.live.patch import MisfitError, Patch, patched
from evenhand.cli.live.place import Place, text_of
from evenhand.cli.live.promise import PromisedShare, promises
from evenhand.cli.live.refusal import ChangeRefusedError, VersionConflictError
from evenhand.cli.live.tree_steps import moves_of, tree_steps
from evenhand.model import TenantPath
from evenhand.stores import StateProblemError
from evenhand.stores.audit_table import AuditRow
from evenhand.stores.live_changes import StoredOverride
from evenhand.telemetry import RequestLog

_PLACES_LOGGED_MAX: Final = 20
_PROMISES_MAX: Final = 1_000
_REFERRING: Final = frozenset({"keys", "admin", "engines", "identity", "tls"})
"""Sections that refer to secrets and files."""


@dataclass(frozen=True, slots=True)
class Change:
    """What was, or would be, changed. `version` is that of the configuration in force afterwards;
    `is_applied` False: it was only planned."""

    old: Config
    new: Overlaid
    differences: Sequence[Difference]
    promises: Sequence[PromisedShare]
    """Of those whose promised share changes, most changed first."""
    is_applied: bool
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who wants a change, and how. `version`: refuse it if another one is in force by now."""

    who: str
    what: str
    is_dry_run: bool = False
    version: int | None = None
    reads_again: bool = False
    """What the configuration refers to outside itself is read again, though it may refer to the same."""


class OutsideWorld(Protocol):
    """What a configuration refers to outside itself, as parts see it when they plan."""

    def look(self, config: Config, lines: Lines) -> None:
        """Read it for that configuration; may wait for the disk. Raises ConfigurationError."""

    def settle(self, *, is_applied: bool) -> None:
        """The change is over. Unless it was applied, what was there before holds again."""


class LiveConfiguration:
    """`config` is in force. Changes wait for one another; nobody else changes it."""

    def __init__(
        self,
        overlay: Overlaid,
        *,
        read: Callable[[], Loaded],
        outside: OutsideWorld,
        keeping: Keeping,
        log: RequestLog,
        now_ms: Callable[[], int],
    ) -> None:
        """`read` reads the file anew; it may wait for the disk and raise ConfigurationError. `now_ms` is
        the wall clock."""
        self.overlay = overlay
        self.version = now_ms() // 1000
        """Grows with every change, and from one start to the next."""
        self.keeping = keeping
        self.participants: list[Participant] = []
        """Each part of the gateway that takes changes."""
        self._read = read
        self._outside = outside
        self._log = log
        self._now_ms = now_ms
        # Who waits is bounded by the connections of the admin listener and of the control socket.
        self._turn = asyncio.Lock()

    @property
    def config(self) -> Config:
        """In force: the file with its overrides."""
        return self.overlay.config

    async def change(self, patches: Iterable[Patch], asked: Asked) -> Change:
        """Set things. Raises ChangeRefusedError, VersionConflictError, StateProblemError."""
        wanted = list(patches)

        def candidate() -> Overlaid:
            try:
                config = whole(patched(self.config, wanted))
            except MisfitError as error:
                raise ChangeRefusedError.misfit(error) from None
            if found := contradictions(config):
                raise ChangeRefusedError.of(found)
            return moved_on(self.overlay, config, asked.who, self._now_ms())

        return await self._carried_out(candidate, asked)

    async def revert(self, places: Iterable[Place], asked: Asked) -> Change:
        """Take overrides out: what the file says there is in force again. Raises as `change`."""
        reverted = tuple(places)

        def candidate() -> Overlaid:
            in_force = [one for one in self.overlay.overrides if not _is_at(one.place, reverted)]
            aside = [one for one, _ in self.overlay.aside if not _is_at(one.place, reverted)]
            try:
                config = patched(self.overlay.file, (override.patch for override in in_force))
            except MisfitError as error:
                raise ChangeRefusedError.misfit(error) from None
            if found := contradictions(whole(config)):
                raise ChangeRefusedError.of(found)
            return overlaid(self.overlay.file, [*in_force, *aside])

        return await self._carried_out(candidate, asked)

    async def reload(self, asked: Asked) -> Change:
        """Read the file anew; overrides stay, but those that it says itself by now. Raises as
        `change`."""
        lines = Lines()

        def candidate() -> Overlaid:
            nonlocal lines
            loaded = self._read()
            lines = loaded.lines
            every = (*self.overlay.overrides, *(override for override, _ in self.overlay.aside))
            return overlaid(loaded.config, every)

        return await self._carried_out(candidate, replace(asked, reads_again=True), lambda: lines)

    async def note(self, who: str, what: str, place: str) -> None:
        """Write into the audit what was done by other ways than a change of configuration. Raises
        StateProblemError."""
        await self._kept(self.keeping.note([AuditRow(self._now_ms(), who, what, place)]))

    async def _carried_out(
        self,
        candidate: Callable[[], Overlaid],
        asked: Asked,
        lines: Callable[[], Lines] = Lines,
    ) -> Change:
        # Whoever asked may go: what was begun is ended, or the disk would know what nobody applied.
        return await asyncio.shield(self._in_turn(candidate, asked, lines))

    async def _in_turn(
        self, candidate: Callable[[], Overlaid], asked: Asked, lines: Callable[[], Lines]
    ) -> Change:
        async with self._turn:
            if asked.version is not None and asked.version != self.version:
                message = (
                    f"the configuration was changed meanwhile: it has version {self.version}, and you"
                    f" saw {asked.version}. Look at it again, then repeat the change"
                )
                raise VersionConflictError(message)
            change: Change | None = None
            try:
                change = await self._changed(candidate, asked, lines)
            finally:
                self._outside.settle(is_applied=change is not None and change.is_applied)
            return change

    async def _changed(
        self, candidate: Callable[[], Overlaid], asked: Asked, lines: Callable[[], Lines]
    ) -> Change:
        before = self.overlay
        # Large configurations take a while, in which traffic goes on.
        new, found, shares = await asyncio.to_thread(self._built, candidate, lines, asked)
        if len(new.overrides) + len(new.aside) > OVERRIDES_MAX:
            raise ChangeRefusedError.of([((), _TOO_MANY)], lines())
        self._plan(new.config, found, lines())
        if asked.is_dry_run:
            return Change(before.config, new, found, shares, False, self.version)
        await self._write(before, new, found, asked)
        try:
            applies = self._plan(new.config, found, lines())
        except ChangeRefusedError:
            await self._withdraw(before, new, asked)
            raise
        # From here to the end nothing waits: no request sees half of it.
        for apply in applies:
            _applied(apply)
        self.overlay = new
        if found:
            self.version += 1
            self._tell(found, asked)
        return Change(before.config, new, found, shares, True, self.version)

    def _built(
        self, candidate: Callable[[], Overlaid], lines: Callable[[], Lines], asked: Asked
    ) -> tuple[Overlaid, list[Difference], list[PromisedShare]]:
        """The candidate, checked, and what it would change. Raises ChangeRefusedError."""
        old = self.config
        try:
            new = candidate()
            found = differences(old, new.config)
            sections = {difference.place[0] for difference in found}
            if asked.reads_again or not sections.isdisjoint(_REFERRING):
                self._outside.look(new.config, lines())
        except ConfigurationError as error:
            raise ChangeRefusedError.unsound(error) from None
        shares = promises(old.tenants, new.config.tenants, _PROMISES_MAX)
        return new, found, shares

    def _plan(self, new: Config, found: Sequence[Difference], lines: Lines) -> list[Apply]:
        """Every part's plan. Raises ChangeRefusedError with all that stands in the way."""
        applies: list[Apply] = []
        known = frozenset[str]().union(*(part.sections for part in self.participants))
        sections = dict.fromkeys(str(difference.place[0]) for difference in found)
        findings: list[Finding] = [((one,), _RESTART) for one in sections if one not in known]
        for part in self.participants:
            plan = part.plan(self.config, new)
            if callable(plan):
                applies.append(plan)
            else:
                findings += plan
        if findings:
            raise ChangeRefusedError.of(findings, lines)
        return applies

    async def _write(
        self, before: Overlaid, new: Overlaid, found: Sequence[Difference], asked: Asked
    ) -> None:
        if not found and new.overrides == before.overrides and new.aside == before.aside:
            return
        rows = rows_of(before, new, found, who=asked.who, what=asked.what, at_ms=self._now_ms())
        await self._kept(self.keeping.write(_stored(new), rows, _moves(before.config, new.config)))

    async def _withdraw(self, before: Overlaid, new: Overlaid, asked: Asked) -> None:
        """What was written has become impossible meanwhile: take it back."""
        row = AuditRow(self._now_ms(), asked.who, "withdrawn", asked.what)
        moves = _moves(new.config, before.config)
        await self._kept(self.keeping.write(_stored(before), [row], moves))

    async def _kept(self, writing: Awaitable[None]) -> None:
        try:
            await writing
        except sqlite3.Error as error:
            message = (
                f"the change could not be written to the state database ({error}), and nothing was"
                " changed: see to disk and rights, then repeat it"
            )
            raise StateProblemError(message) from None

    def _tell(self, found: Sequence[Difference], asked: Asked) -> None:
        places = [text_of(difference.place) for difference in found[:_PLACES_LOGGED_MAX]]
        self._log.event(
            "configuration_changed",
            who=asked.who,
            what=asked.what,
            version=self.version,
            differences=len(found),
            places=" ".join(places),
        )


_TOO_MANY = (
    f"more than {OVERRIDES_MAX} things would differ from the file: write some of them into it, then"
    " `evenhand reload`"
)
_RESTART = (
    "cannot be changed while the gateway runs and needs a restart: take it back, or start the gateway"
    " anew"
)


def _applied(apply: Apply) -> None:
    try:
        apply()
    except Exception as error:  # noqa: BLE001 - a fault of ours must not keep the other parts behind
        loop = asyncio.get_running_loop()
        loop.call_exception_handler(
            {"message": "a planned change could not be applied", "exception": error}
        )


def _stored(overlay: Overlaid) -> list[StoredOverride]:
    return [stored(one) for one in (*overlay.overrides, *(one for one, _ in overlay.aside))]


def _moves(old: Config, new: Config) -> list[tuple[TenantPath, TenantPath]]:
    return moves_of(tree_steps(old.tenants, new.tenants))


def _is_at(place: Place, reverted: Sequence[Place]) -> bool:
    """It is one of those, or lies beneath one."""
    return any(place[: len(above)] == above for above in reverted)

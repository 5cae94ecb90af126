"""All checks, one after the other, of one moment of the database."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from evenhand.stores.audit import (
    amounts,
    balances,
    corrections,
    endings,
    gpu_time,
    numbering,
    sound_file,
)
from evenhand.stores.audit.looked import Check, Looked
from evenhand.stores.audit.open_holds import OpenRequest, open_requests

CHECKS: tuple[Check, ...] = (
    Check("the file is undamaged", sound_file.pages_are_sound),
    Check("tables and guards are as this version makes them", sound_file.schema_is_ours),
    Check("every id fits its kind, so a hold is resolved once", numbering.ids_fit_kinds),
    Check("whatever is resolved was held", numbering.all_have_holds),
    Check("no hold is missing", numbering.holds_are_gapless),
    Check("every request is held once", numbering.requests_are_held_once),
    Check("every transfer is between its two accounts", amounts.between_the_same_accounts),
    Check("what was posted was held, or is an excess", amounts.within_the_hold),
    Check("money is price times tokens", amounts.money_is_price_times_tokens),
    Check("every correction says who and why", corrections.corrections_have_reasons),
    Check("accounts name their owners", balances.accounts_are_whole),
    Check("posted balances are the sums of transfers", balances.posted_is_the_sum),
    Check("balances of days are the sums of what was held on them", balances.days_are_the_sums),
    Check("held balances are the sums of open holds", balances.held_is_the_sum),
    Check("consumers were debited what models were credited", balances.sides_are_equal),
    Check("every outcome is known and fits", endings.outcomes_are_known),
    Check("marks are of open holds", endings.marks_are_of_open_holds),
    Check("the next start finds every open hold", endings.no_open_hold_is_overlooked),
    Check("GPU time is the wall time of the GPUs", gpu_time.rows_are_the_wall_time),
    Check("times are plausible", endings.times_are_sane, warns_only=True),
)

OPEN_HOLDS = Check("open holds belong to a running gateway", lambda _: Looked(""))
"""Its answer does not come from the database alone."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found. `seq` is the last batch that it covers."""

    seq: int
    transfers: int
    results: tuple[tuple[Check, Looked], ...]
    open_requests: tuple[OpenRequest, ...]

    @property
    def faults(self) -> int:
        """Faults that were found; warnings are none."""
        return sum(looked.found for check, looked in self.results if not check.warns_only)


def audit(
    connection: sqlite3.Connection, *, may_have_open: Callable[[], bool] = lambda: True
) -> Audit:
    """Look at everything, as of one moment. `may_have_open` is asked once that moment is fixed: whether
    open holds are in order, because a gateway runs (or ran, when a backup was made)."""
    connection.execute("BEGIN")
    try:
        seq = _figure(connection, "SELECT max(seq) FROM ledger")
        may = may_have_open()
        results = [(check, _look(check, connection)) for check in CHECKS]
        try:
            left = open_requests(connection)
        except sqlite3.Error:
            left = ()  # the checks have told why
        results.append((OPEN_HOLDS, _open(left, is_fine=may)))
        transfers = _figure(connection, "SELECT count(*) FROM transfer")
        return Audit(seq, transfers, tuple(results), left)
    finally:
        if connection.in_transaction:  # an error on a damaged file may have ended it
            connection.execute("ROLLBACK")


def _look(check: Check, connection: sqlite3.Connection) -> Looked:
    try:
        return check.look(connection)
    except sqlite3.Error as error:
        return Looked("cannot be read", 1, (str(error),))


def _open(left: tuple[OpenRequest, ...], *, is_fine: bool) -> Looked:
    at = f"{len(left):,} open holds"
    if is_fine or not left:
        return Looked(at)
    fault = "no gateway runs, and these were left open: the next start resolves them"
    return Looked(at, len(left), (fault,))


def _figure(connection: sqlite3.Connection, query: str) -> int:
    try:
        (figure,) = connection.execute(query).fetchone()
    except sqlite3.Error:
        return 0  # a check tells what is damaged
    return int(figure or 0)

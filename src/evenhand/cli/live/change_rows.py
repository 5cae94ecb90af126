"""A change as rows of the audit."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from evenhand.cli.live.difference import ABSENT, Difference
from evenhand.cli.live.override import Overlaid
from evenhand.cli.live.place import text_of
from evenhand.stores.audit_table import AuditRow

ROWS_MAX: Final = 1_000
"""Of one change; what is beyond is told as one row with their number."""

_VALUE_BYTES_MAX: Final = 4_096


def rows_of(
    before: Overlaid, new: Overlaid, found: Sequence[Difference], *, who: str, what: str, at_ms: int
) -> list[AuditRow]:
    """One for each thing that is changed, and for each override that vanishes though nothing changes:
    the file says it by now."""
    rows = [
        AuditRow(
            at_ms, who, what, text_of(one.place), value_text(one.before), value_text(one.after)
        )
        for one in found[:ROWS_MAX]
    ]
    if len(found) > ROWS_MAX:
        left = value_text({"more": len(found) - ROWS_MAX})
        rows.append(AuditRow(at_ms, who, what, "", None, left))
    changed = [difference.place for difference in found]
    stay = {override.place for override in new.overrides}
    for override in before.overrides:
        is_changed = any(override.place[: len(place)] == place for place in changed)
        if override.place not in stay and not is_changed:
            value = value_text(override.value)
            rows.append(AuditRow(at_ms, who, "adopted", text_of(override.place), value, value))
    return rows


def value_text(value: Any) -> str | None:
    """As the audit has it: JSON, of long values that they are long; None: it is not there."""
    if value is ABSENT:
        return None
    text = orjson.dumps(value)
    if len(text) > _VALUE_BYTES_MAX:
        return orjson.dumps({"bytes": len(text)}).decode()
    return text.decode()

"""What was asked for and what was found, before it takes a form."""

from collections.abc import Mapping
from dataclasses import dataclass

from evenhand.cli.usage.period import Period
from evenhand.stores.usage_line import Group, UsageLine


@dataclass(frozen=True, slots=True)
class UsageReport:
    """`lines` by their groups, in order; `by` names the grouping columns."""

    by: tuple[str, ...]
    period: Period
    lines: Mapping[Group, UsageLine]

    @property
    def total(self) -> UsageLine:
        """All lines together."""
        total = UsageLine()
        for line in self.lines.values():
            total.add(line)
        return total

    @property
    def currencies(self) -> list[str]:
        """Those in which anything was priced."""
        found = {c for line in self.lines.values() for c in (*line.nano, *line.held_nano)}
        return sorted(found)

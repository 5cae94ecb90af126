"""Whose a row is: as the file says, or spread over tenants by a rule."""

import random
from bisect import bisect
from collections.abc import Callable, Mapping
from itertools import accumulate

from evenhand.workloads.dials import number, whole, word
from evenhand.workloads.readers.row import Row
from evenhand.workloads.workload import Dial, DialValue

TenantRule = Callable[[Row, int], str]
"""The tenant's path of a row, which is the n-th."""

ALONE = "default"
"""The tenant of rows of which nothing is said."""


TENANT_DIALS = (
    Dial(
        name="tenants", meaning="spread over so many tenants; 0: as `by` says", default=0, most=1e6
    ),
    Dial(
        name="by",
        meaning="whose a row is: as the `file` says, or that of its `session` alone",
        default="file",
        words=("file", "session"),
    ),
    Dial(
        name="skew",
        meaning="where spread: the k-th tenant asks 1 / k^skew times as much as the first",
        default=0.0,
        most=10,
    ),
)


def tenant_rule(values: Mapping[str, DialValue], seed: int) -> TenantRule:
    """As the dials say. Spread over N: each session, or each row where there are none, belongs to a
    tenant drawn with the seed, the k-th with a chance as 1 / k^skew."""
    count, skew = whole(values, "tenants"), number(values, "skew")
    if count == 0 and word(values, "by") == "session":
        return lambda row, n: row.session or f"row-{n}"
    if count == 0:
        return lambda row, _: row.tenant or ALONE
    names = spread_names(count)
    chances = list(accumulate((k + 1) ** -skew for k in range(count)))
    draw = random.Random(f"{seed} tenants").random  # noqa: S311 - traffic, not secrets
    of_session: dict[str, str] = {}

    def spread(row: Row, n: int) -> str:
        del n
        name = of_session.get(row.session) if row.session else None
        if name is None:
            name = names[min(bisect(chances, draw() * chances[-1]), count - 1)]
            if row.session:
                of_session[row.session] = name
        return name

    return spread


def spread_names(count: int) -> list[str]:
    """Of `count` tenants, in order of the alphabet."""
    width = len(str(count))
    return [f"tenant-{k:0{width}}" for k in range(1, count + 1)]

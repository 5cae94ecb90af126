"""From each version of the schema to the next, a file each. One that has shipped is never edited."""

from evenhand.stores.migrations.control import CONTROL
from evenhand.stores.migrations.engine_counts import ENGINE_COUNTS
from evenhand.stores.migrations.gpu_time import GPU_TIME
from evenhand.stores.migrations.keys import KEYS
from evenhand.stores.migrations.ledger import LEDGER
from evenhand.stores.migrations.periods import PERIODS
from evenhand.stores.migrations.statements import STATEMENTS

MIGRATIONS: tuple[str, ...] = (
    *(LEDGER, KEYS),
    *(PERIODS, STATEMENTS, GPU_TIME, ENGINE_COUNTS, CONTROL),
)

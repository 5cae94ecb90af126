"""From each version of the schema to the next, a file each. One that has shipped is never edited."""

from evenhand.stores.migrations.gpu_time import GPU_TIME
from evenhand.stores.migrations.keys import KEYS
from evenhand.stores.migrations.ledger import LEDGER

MIGRATIONS: tuple[str, ...] = (LEDGER, KEYS, GPU_TIME)

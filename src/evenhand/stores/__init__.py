"""Where state is kept: one SQLite database per gateway, written by one thread.

Lives here: the state folder, its lock and its socket, the schema, the ledger's rows, group commit, API
keys and their pepper; event logs of schedulers, which are files of their own.
May import: `ledger` and `model`, event logs `scheduling`; no asyncio server, no HTTP.
Promises: a batch is on disk whole before it is called committed, or not at all; a failed commit closes
the store and says so; a database of a newer version is never written.
"""

from evenhand.stores.engine_file import EngineBatch, EngineFile, GpuRow
from evenhand.stores.engine_store import EngineStore
from evenhand.stores.group_commit import CommitSettings, GroupCommit
from evenhand.stores.key_table import KeyTable, StoredKey, ValidSecret
from evenhand.stores.ledger_file import LedgerFile
from evenhand.stores.pepper import Pepper, pepper_of
from evenhand.stores.problem import KeyProblemError, StateProblemError
from evenhand.stores.state_folder import StateFolder

__all__ = [
    "CommitSettings",
    "EngineBatch",
    "EngineFile",
    "EngineStore",
    "GpuRow",
    "GroupCommit",
    "KeyProblemError",
    "KeyTable",
    "LedgerFile",
    "Pepper",
    "StateFolder",
    "StateProblemError",
    "StoredKey",
    "ValidSecret",
    "pepper_of",
]

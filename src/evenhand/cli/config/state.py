"""The `state` section: where usage and keys are kept."""

from typing import Annotated

from pydantic import BaseModel

from evenhand.cli.config.scalars import SECTION, FileText, Seconds, between


class State(BaseModel):
    """What outlives the process: the usage ledger and the API keys that `evenhand keys` makes. One
    folder serves one gateway."""

    model_config = SECTION

    folder: FileText
    """A folder on a local disk, made at first start; relative to this file. It holds the state
    database and the pepper of the keys."""
    commit_interval_s: Annotated[Seconds, between(0.001, 1)] = 0.01
    """Seconds that usage may gather before it is written to disk together: what a crash can lose."""
    commit_timeout_s: Annotated[Seconds, between(0.1, 600)] = 5
    """Seconds that a write may take before the ledger counts as closed."""
    entries_waiting_max: Annotated[int, between(1_000, 10_000_000)] = 100_000
    """Ledger entries that may wait for a disk that cannot be written; beyond it requests are refused
    (503), those of keys with a budget at once."""

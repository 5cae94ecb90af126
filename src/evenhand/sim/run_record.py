"""What became of every ask of a run, in columns: a million rows take a hundred megabytes."""

from array import array
from collections.abc import Hashable, Iterator
from enum import IntEnum
from typing import Generic, TypeVar

from evenhand.model import TenantPath
from evenhand.sim.job import Job

K = TypeVar("K", bound=Hashable)


class Fate(IntEnum):
    """How an ask ended. `THROTTLED` is a refusal by its policy's admission (rates, OIT), `REFUSED` any
    other before it ran; `LEFT` its client gave up waiting or reading; `FAILED` its engines did;
    `NEVER_SENT` it waited for an ask that was not answered."""

    COMPLETED = 0
    THROTTLED = 1
    REFUSED = 2
    LEFT = 3
    FAILED = 4
    NEVER_SENT = 5


class Names(Generic[K]):
    """Numbers for names, in order of first appearance."""

    def __init__(self) -> None:
        self.numbers: dict[K, int] = {}

    def number(self, name: K) -> int:
        """The name's, a new one if it has none yet."""
        return self.numbers.setdefault(name, len(self.numbers))

    def __iter__(self) -> Iterator[K]:
        return iter(self.numbers)


class RunRecord:
    """Rows in order of ending. Instants in milliseconds since the start, below 0 for what never was."""

    def __init__(self) -> None:
        self.tenants: Names[TenantPath] = Names()
        self.applications: Names[str] = Names()
        self.interactions: Names[str] = Names()
        self.ask = array("q")
        self.tenant = array("l")
        self.application = array("l")
        self.interaction = array("l")
        """-1: one of its own."""
        self.call_index = array("l")
        self.input_tokens = array("l")
        self.cached_tokens = array("l")
        self.output_tokens = array("l")
        """That were produced."""
        self.asked_output_tokens = array("l")
        self.fate = array("b")
        self.arrived_ms = array("d")
        self.started_ms = array("d")
        self.first_token_ms = array("d")
        self.ended_ms = array("d")

    def __len__(self) -> int:
        return len(self.ask)

    def add(self, job: Job, fate: Fate) -> None:
        """The ask of this job has ended. Once for each."""
        ask = job.ask
        self.ask.append(ask.id)
        self.tenant.append(self.tenants.number(ask.tenant))
        self.application.append(self.applications.number(ask.application))
        self.interaction.append(
            self.interactions.number(ask.interaction) if ask.interaction else -1
        )
        self.call_index.append(ask.call_index)
        self.input_tokens.append(ask.input_tokens)
        self.cached_tokens.append(job.cached_tokens)
        self.output_tokens.append(job.produced)
        self.asked_output_tokens.append(ask.output_tokens)
        self.fate.append(fate)
        self.arrived_ms.append(job.arrived_ms)
        self.started_ms.append(job.started_ms)
        self.first_token_ms.append(job.first_token_ms)
        self.ended_ms.append(job.ended_ms)

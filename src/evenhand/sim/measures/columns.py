"""The columns of a run's record as arrays, times in seconds, tenants in the order of the share tree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.model import TenantPath
from evenhand.sim.run_record import Fate, RunRecord

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

OUTPUT_WEIGHT = 2
"""Of a token of output in weighted tokens; one of input, cached or not, counts 1. So in the papers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """One row for each ask of the workload, in order of ending. An instant that never was is below 0."""

    tenants: tuple[TenantPath, ...]
    """All leaves of the tree, also those that asked for nothing."""
    tenant: Integers
    interaction: Integers
    """-1: one of its own."""
    call_index: Integers
    input_tokens: Integers
    cached_tokens: Integers
    output_tokens: Integers
    """That were produced."""
    asked_output_tokens: Integers
    fate: npt.NDArray[np.int8]
    arrived_s: Floats
    started_s: Floats
    first_token_s: Floats
    ended_s: Floats

    @property
    def is_sent(self) -> Flags:
        """Whether a client sent it: all that it waited for was answered."""
        return np.not_equal(self.fate, Fate.NEVER_SENT)

    @property
    def is_refused(self) -> Flags:
        """Whether it was turned away, by a rate, by throttling, by a full queue or a deadline."""
        return np.isin(self.fate, (Fate.THROTTLED, Fate.REFUSED))

    @property
    def is_completed(self) -> Flags:
        return np.equal(self.fate, Fate.COMPLETED)

    @property
    def is_served(self) -> Flags:
        """Whether it got a token at all."""
        return np.greater_equal(self.first_token_s, 0)

    @property
    def service(self) -> Floats:
        """Weighted tokens received: nothing before the first token; then the whole prompt, cached or
        not, and twice what was produced."""
        received = self.input_tokens + OUTPUT_WEIGHT * self.output_tokens
        return np.where(self.is_served, received, 0).astype(np.float64)

    @property
    def demand(self) -> Floats:
        """Weighted tokens asked for."""
        return (self.input_tokens + OUTPUT_WEIGHT * self.asked_output_tokens).astype(np.float64)


def summed(group: Integers, amounts: Floats, groups: int) -> Floats:
    """The amounts of each group together."""
    return np.bincount(group, weights=amounts, minlength=groups).astype(np.float64, copy=False)


def columns(record: RunRecord, tenants: Sequence[TenantPath]) -> Columns:
    """Views of the record where its columns can be taken as they are: it must not grow meanwhile.
    `tenants` are the leaves of the workload's tree."""
    places = {path: place for place, path in enumerate(tenants)}
    place_of_number = np.array([places[path] for path in record.tenants], dtype=np.int64)
    return Columns(
        tenants=tuple(tenants),
        tenant=place_of_number[np.asarray(record.tenant)],
        interaction=np.asarray(record.interaction),
        call_index=np.asarray(record.call_index),
        input_tokens=np.asarray(record.input_tokens),
        cached_tokens=np.asarray(record.cached_tokens),
        output_tokens=np.asarray(record.output_tokens),
        asked_output_tokens=np.asarray(record.asked_output_tokens),
        fate=np.asarray(record.fate),
        arrived_s=np.asarray(record.arrived_ms) / 1000,
        started_s=np.asarray(record.started_ms) / 1000,
        first_token_s=np.asarray(record.first_token_ms) / 1000,
        ended_s=np.asarray(record.ended_ms) / 1000,
    )

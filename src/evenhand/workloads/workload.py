"""A workload: tenants and what they ask, by name, with its source and its dials."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from evenhand.scheduling import Lane, TenantShare
from evenhand.workloads.ask import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a simulation replays. `asks` come in order of `at_ms`, an ask after those that it waits for;
    it can be iterated once for each run. `size` is how many there are, for progress. `is_synthetic`:
    no such traffic was ever measured. `application_units` is what a call of an application is expected
    to use in weighted tokens, where the workload knows; `lanes` are those that its asks name, none where
    all are alike."""

    name: str
    tenants: tuple[TenantShare, ...]
    asks: Iterable[Ask]
    size: int
    is_synthetic: bool = True
    application_units: Mapping[str, int] = field(default_factory=dict)
    lanes: tuple[Lane, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """A parameter of a workload: a number or a word."""

    name: str
    meaning: str
    default: float | int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadRecipe:
    """How a named workload is made. `build` takes a seed and a value for every dial; a value that makes
    no sense is refused with a `ValueError` that says what to write instead."""

    name: str
    summary: str
    source: str
    build: Callable[[int, Mapping[str, float | int | str]], Workload]
    dials: tuple[Dial, ...] = ()

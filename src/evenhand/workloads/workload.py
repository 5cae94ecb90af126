"""A workload: tenants and what they ask, by name, with its source and its dials."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from evenhand.scheduling import Lane, TenantShare
from evenhand.workloads.ask import Ask

DialValue = float | int | str

_SEED_END = 1 << 32


class Redrawn:
    """Asks that are drawn anew, and alike, each time somebody iterates: none is kept in memory."""

    def __init__(self, draw: Callable[[], Iterator[Ask]]) -> None:
        self._draw = draw

    def __iter__(self) -> Iterator[Ask]:
        return self._draw()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a simulation replays. `asks` come in order of `at_ms`, an ask after those that it waits for;
    it can be iterated once for each run. `size` is how many there are, for progress. `is_synthetic`:
    no such traffic was ever measured. `application_units` is what a call of an application is expected
    to use in weighted tokens, where the workload knows. `lanes` are those that its asks name, in order
    of precedence; none: it knows of no lanes. `remarks`: what a reader of results must know of how it
    came about, such as rows of a file that were left out."""

    name: str
    tenants: tuple[TenantShare, ...]
    asks: Iterable[Ask]
    size: int
    is_synthetic: bool = True
    application_units: Mapping[str, int] = field(default_factory=dict)
    lanes: tuple[Lane, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """A parameter of a workload: a number or a word, as its default is. A number lies within `least` and
    `most`, a word is one of `words`."""

    name: str
    meaning: str
    default: DialValue
    least: float = 0
    most: float = 1e9
    words: tuple[str, ...] = ()

    def checked(self, value: DialValue) -> DialValue:
        """The value as its kind. ValueError: it is not of that kind or out of range."""
        if isinstance(self.default, str):
            if value not in self.words:
                raise ValueError(
                    f"{self.name}={value}: must be one of {', '.join(sorted(self.words))}"
                )
            return value
        is_number = isinstance(value, int | float)
        if not is_number or not self.least <= float(value) <= self.most:
            raise ValueError(
                f"{self.name}={value}: must be a number from {self.least:g} to {self.most:g}"
            )
        if isinstance(self.default, float):
            return float(value)
        if value != int(value):
            raise ValueError(f"{self.name}={value}: must be a whole number")
        return int(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadRecipe:
    """How a named workload is made. `build` takes a seed and a checked value for every dial; `make` is
    what others call. `is_synthetic`: no such traffic was ever measured."""

    name: str
    summary: str
    source: str
    build: Callable[[int, Mapping[str, DialValue]], Workload]
    dials: tuple[Dial, ...] = ()
    is_synthetic: bool = True

    def make(self, seed: int, given: Mapping[str, DialValue] | None = None) -> Workload:
        """Build it; dials that are not given stand at their defaults. ValueError: a seed, a dial or a
        value that makes no sense; the message says what to write instead."""
        if not 0 <= seed < _SEED_END:
            raise ValueError(f"seed {seed}: must be a whole number from 0 to {_SEED_END - 1}")
        given = given or {}
        known = {dial.name: dial for dial in self.dials}
        for name in given:
            if name not in known:
                raise self.unknown_dial(name)
        values = {name: dial.checked(given.get(name, dial.default)) for name, dial in known.items()}
        return self.build(seed, values)

    def unknown_dial(self, name: str) -> ValueError:
        """What to tell who asks for a dial that it does not have."""
        names = ", ".join(dial.name for dial in self.dials) or "none"
        return ValueError(f"{self.name} has no dial {name}; its dials: {names}")

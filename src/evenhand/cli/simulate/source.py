"""Where a workload comes from: the catalog, or a file of recorded traffic."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from evenhand.cli.simulate.problem import SimulateError
from evenhand.workloads.ask import Ask
from evenhand.workloads.catalog import WORKLOADS, recipe_named
from evenhand.workloads.dials import dial_values
from evenhand.workloads.readers.open_trace import FORMATS, trace_recipe
from evenhand.workloads.workload import Workload, WorkloadRecipe

_AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Source:
    """A name of the catalog, or else a file. `dials` as `KEY=VALUE`."""

    name: str
    seed: int
    dials: tuple[str, ...] = ()

    def workload(self, capacity_rps: Callable[[Iterable[Ask]], float]) -> Workload:
        """Make it, or read it. `capacity_rps` estimates how many of such asks the engines can answer in
        a second, for a workload that is to load them to a part. Raises SimulateError."""
        recipe = recipe_of(self.name, self.dials)
        try:
            values = dial_values(recipe, self.dials)
            if values.get("load") and "capacity_rps" not in values:
                unloaded = recipe.make(self.seed, {**values, "load": 0.0})
                values["capacity_rps"] = capacity_rps(unloaded.asks)
            return recipe.make(self.seed, values)
        except ValueError as error:
            raise SimulateError(self.name, str(error)) from error
        except OSError as error:
            raise SimulateError(self.name, f"cannot be read ({error.strerror})") from error


def recipe_of(name: str, changes: Iterable[str] = ()) -> WorkloadRecipe:
    """By name, else of the file; `changes` may name the file's format. Raises SimulateError: there is
    neither, or nobody can read it."""
    file = Path(name)
    try:
        if name in WORKLOADS or not file.is_file():
            return recipe_named(name)
        return trace_recipe(file, _format(changes))
    except ValueError as error:
        hint = "" if file.is_file() else "; nor is there such a file"
        raise SimulateError(name, f"{error}{hint}") from None
    except OSError as error:
        raise SimulateError(name, f"cannot be read ({error.strerror})") from error


def _format(changes: Iterable[str]) -> str:
    """What is asked of a file must be known before its dials are."""
    for change in changes:
        key, _, value = change.partition("=")
        if key.removeprefix("workload.") == "format":
            known = [_AUTO, *(form.name for form in FORMATS)]
            if value not in known:
                raise ValueError(f"there is no format {value}; formats are {', '.join(known)}")
            return value
    return _AUTO

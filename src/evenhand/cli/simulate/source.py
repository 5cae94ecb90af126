"""Where a workload comes from: the catalog, or a file."""

from dataclasses import dataclass
from pathlib import Path

from evenhand.cli.simulate.problem import SimulateError
from evenhand.workloads.catalog import WORKLOADS, recipe_named
from evenhand.workloads.dials import dial_values
from evenhand.workloads.workload import Workload


@dataclass(frozen=True, slots=True)
class Source:
    """A name of the catalog, or else a file of recorded traffic. `dials` as `KEY=VALUE`."""

    name: str
    seed: int
    dials: tuple[str, ...] = ()

    @property
    def is_file(self) -> bool:
        """Names of the catalog come first."""
        return self.name not in WORKLOADS and Path(self.name).is_file()

    def workload(self) -> Workload:
        """Make it, or read it. Raises SimulateError."""
        try:
            if self.is_file:
                return open_trace(Path(self.name))
            recipe = recipe_named(self.name)
            return recipe.make(self.seed, dial_values(recipe, self.dials))
        except ValueError as error:
            raise SimulateError(self.name, str(error)) from error
        except OSError as error:
            raise SimulateError(self.name, f"cannot be read ({error.strerror})") from error


def dial_names(name: str) -> list[str]:
    """Those of a workload; a file has none. Raises SimulateError: there is neither."""
    if name in WORKLOADS:
        return [dial.name for dial in WORKLOADS[name].dials]
    if Path(name).is_file():
        return []
    try:
        recipe_named(name)
    except ValueError as error:
        raise SimulateError("WORKLOAD_OR_FILE", f"there is no such file either; {error}") from None
    return []

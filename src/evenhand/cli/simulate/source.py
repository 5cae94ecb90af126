"""Where a workload comes from: the catalog, or a file of recorded traffic."""

from dataclasses import dataclass

from evenhand.cli.simulate.problem import SimulateError
from evenhand.workloads.catalog import recipe_named
from evenhand.workloads.dials import dial_values
from evenhand.workloads.workload import Workload, WorkloadRecipe


@dataclass(frozen=True, slots=True)
class Source:
    """A name of the catalog, or else a file. `dials` as `KEY=VALUE`."""

    name: str
    seed: int
    dials: tuple[str, ...] = ()

    def workload(self) -> Workload:
        """Make it, or read it. Raises SimulateError."""
        recipe = recipe_of(self.name)
        try:
            return recipe.make(self.seed, dial_values(recipe, self.dials))
        except ValueError as error:
            raise SimulateError(self.name, str(error)) from error
        except OSError as error:
            raise SimulateError(self.name, f"cannot be read ({error.strerror})") from error


def recipe_of(name: str) -> WorkloadRecipe:
    """By name, else of the file. Raises SimulateError: there is neither, or no one can read it."""
    try:
        return recipe_named(name)
    except ValueError as error:
        raise SimulateError(name, str(error)) from None

"""What is to be run, as a value that other processes can be given."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from evenhand.cli.simulate.asked import PolicyAsked
from evenhand.cli.simulate.problem import SimulateError
from evenhand.cli.simulate.source import Source
from evenhand.sim.capacity_estimate import fleet_requests_per_s
from evenhand.sim.exhibit import Exhibit, exhibit
from evenhand.sim.fleet import fleet_of, is_in_engine
from evenhand.sim.profile import EngineProfile, load_profile
from evenhand.sim.run_record import RunRecord
from evenhand.sim.series import SeriesWatch
from evenhand.sim.settings import OF_GATEWAY, SimulationSettings
from evenhand.workloads.workload import Workload

ENGINES_MAX = 4096
_MOMENTS_BETWEEN_NEWS = 256

Told = Callable[[int], None]
"""How many asks have ended so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run for each policy, of the same asks. `changes`: all that was typed after `--set`."""

    source: Source
    policies: tuple[PolicyAsked, ...]
    engine: str
    engines: int
    settings: SimulationSettings
    changes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.engines <= ENGINES_MAX:
            message = f"must be from 1 to {ENGINES_MAX}, not {self.engines}"
            raise SimulateError("--engines", message)
        if is_in_engine(self.profile(), self.engines):
            for name in OF_GATEWAY:
                if getattr(self.settings, name) != getattr(SimulationSettings(), name):
                    message = f"is of a gateway, and {self.engine} hosts the scheduler itself"
                    raise SimulateError(f"--set {name}", f"{message}: leave it out")

    def profile(self) -> EngineProfile:
        """Raises SimulateError: there is no such profile, or its file is wrong."""
        try:
            return load_profile(self.engine)
        except (ValueError, OSError) as error:
            raise SimulateError("--engine", str(error)) from error

    def workload(self) -> Workload:
        """Raises SimulateError: there is none of that name, or it cannot be made."""
        profile = self.settings.profile(self.profile())
        return self.source.workload(partial(fleet_requests_per_s, profile, self.engines))


def simulated(plan: Plan, number: int, told: Told) -> Exhibit:
    """Run the policy of that number. Tells of its progress now and then."""
    workload = plan.workload()
    fleet = fleet_of(
        workload,
        plan.policies[number].policy(),
        plan.profile(),
        engines=plan.engines,
        settings=plan.settings,
    )
    series = SeriesWatch(fleet.host, fleet.engines)
    moments = 0

    def watch(now_ms: float, record: RunRecord) -> None:
        nonlocal moments
        moments += 1
        if moments % _MOMENTS_BETWEEN_NEWS == 0:
            told(len(record))
        series(now_ms, record)

    record = fleet.run(watch)
    told(len(record))
    return exhibit(record, workload.tenants, series.series)

"""What is to be run, as a value that other processes can be given."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from evenhand.cli.simulate.asked import PolicyAsked
from evenhand.cli.simulate.problem import SimulateError
from evenhand.cli.simulate.source import Source
from evenhand.scheduling import Scheduler
from evenhand.sim.capacity_estimate import fleet_requests_per_s
from evenhand.sim.exhibit import Exhibit, exhibit
from evenhand.sim.faults import Faults
from evenhand.sim.fleet import SchedulerOf, engine_names, fleet_of, is_in_engine
from evenhand.sim.profile import EngineProfile, load_profile
from evenhand.sim.run_record import RunRecord
from evenhand.sim.series import SeriesWatch
from evenhand.sim.settings import OF_GATEWAY, SimulationSettings
from evenhand.stores.event_log import EventLog
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
    log: Path | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.engines <= ENGINES_MAX:
            message = f"must be from 1 to {ENGINES_MAX}, not {self.engines}"
            raise SimulateError("--engines", message)
        try:
            Faults(self.settings.faults).check(engine_names(self.engines))
        except ValueError as error:
            raise SimulateError("--set fault", str(error)) from None
        window = self.settings.window or self.settings.profile(self.profile()).sequences_max
        if self.settings.gateways > window:
            message = f"each needs a slot, and an engine has {window}: ask for fewer gateways"
            raise SimulateError("--set gateways", message)
        if self.log is not None and (len(self.policies) > 1 or self.settings.gateways > 1):
            message = (
                "holds the decisions of one gateway under one policy: name one, or leave it out"
            )
            raise SimulateError("--log", message)
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
    with _log(plan) as log:
        return _simulated(plan, number, told, Scheduler if log is None else log.scheduler)


@contextmanager
def _log(plan: Plan) -> Iterator[EventLog | None]:
    if plan.log is None:
        yield None
        return

    def stopped(why: str) -> None:
        raise SimulateError("--log", f"{plan.log}: {why}")

    try:
        log = EventLog(plan.log, host="a simulation", on_stop=stopped)
    except OSError as error:
        raise SimulateError("--log", f"{plan.log} cannot be written: {error.strerror}") from None
    with log:
        yield log


def _simulated(plan: Plan, number: int, told: Told, scheduler_of: SchedulerOf) -> Exhibit:
    workload = plan.workload()
    fleet = fleet_of(
        workload,
        plan.policies[number].policy(),
        plan.profile(),
        engines=plan.engines,
        settings=plan.settings,
        scheduler_of=scheduler_of,
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

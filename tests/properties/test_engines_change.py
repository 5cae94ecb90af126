"""Engines change what they serve while requests wait: every promise of the machine holds, and who waits
competes for the engines that serve its model now."""

from collections import Counter
from dataclasses import replace
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from evenhand.model import EngineName, LaneName, ModelName, TenantPath
from evenhand.scheduling import Lane
from properties.machine_ground import UNSTEADY
from properties.scheduler_machine import SchedulerMachine


class EnginesChangeMachine(SchedulerMachine):
    """An engine may come to serve other models, or none, and one that nobody knew may join."""

    seen: ClassVar[Counter[str]] = Counter()
    grounds = (UNSTEADY,)
    joins: ClassVar[tuple[str, ...]] = ("e1", "e2", "e3", "e4")

    @rule(
        name=st.sampled_from(joins),
        models=st.sets(st.sampled_from(["m1", "m2"])),
        window=st.integers(0, 3),
    )
    def models_change(self, name: str, models: set[str], window: int) -> None:
        self.models[EngineName(name)] = tuple(sorted(models))
        served = [ModelName(model) for model in sorted(models)]
        self.scheduler.engine_changed(EngineName(name), window=window, models=served)

    @rule(name=st.sampled_from(joins), slots=st.integers(0, 3))
    def slots_are_held(self, name: str, slots: int) -> None:
        if EngineName(name) in self.scheduler.capacity.engines:
            self.scheduler.engine_held(EngineName(name), slots=slots)

    @invariant()
    def who_waits_competes_for_the_engines_that_serve_it(self) -> None:
        for request_id, request in self.waiting.items():
            ticket = self.scheduler._tickets[request_id]
            serving = [name for name, models in self.models.items() if request.model in models]
            able = tuple(sorted(name for name in serving if name != ticket.failed_engine))
            assert ticket.pool.engines == (() if ticket.leaf.is_held_back else able)


class LanedMachine(EnginesChangeMachine):
    """With a lane, which keeps who waits in order of time."""

    seen: ClassVar[Counter[str]] = Counter()
    grounds = (replace(UNSTEADY, lanes=(Lane(name=LaneName("normal"), ttft_ms_target=1_000),)),)

    def _lane_of(self, data: st.DataObject, tenant: TenantPath) -> LaneName:
        del data, tenant
        return LaneName("normal")

    @invariant()
    def the_oldest_of_the_lane_is_known(self) -> None:
        tickets = [self.scheduler._tickets[request_id] for request_id in self.waiting]
        oldest = min((ticket.queued_ms for ticket in tickets), default=self.now_ms)
        (standing,) = self.scheduler.lane_standings(self.now_ms)
        assert standing.oldest_wait_ms == self.now_ms - oldest


@pytest.mark.parametrize("machine", [EnginesChangeMachine, LanedMachine])
def test_engines_change(machine: type[RuleBasedStateMachine]) -> None:
    case = machine.TestCase
    case.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
    case().runTest()

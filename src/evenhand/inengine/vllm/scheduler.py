"""vLLM's own scheduler with the core's order: nothing of `schedule()` is copied.

vllm serve ... --scheduler-cls evenhand.inengine.vllm.FairScheduler
"""

from collections.abc import Iterable
from typing import Any

from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.request import Request, RequestStatus

from evenhand.inengine.host import EngineHost
from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.vllm.fair_queue import FairQueue
from evenhand.inengine.step_clock import StepClock
from evenhand.model import Outcome

_OUTCOMES = {
    RequestStatus.FINISHED_ABORTED: Outcome.CANCELLED_RUNNING,
    RequestStatus.FINISHED_ERROR: Outcome.ENGINE_FAILED,
}


class FairScheduler(AsyncScheduler):
    """Asynchronous scheduling is kept: a subclass of the plain scheduler would switch it off."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = self.vllm_config.additional_config
        settings = InEngineSettings.of(told.get("evenhand", {}) if isinstance(told, dict) else {})
        self._clock = StepClock()
        self.host = EngineHost(settings, seats=self.max_num_running_reqs)
        self.waiting = FairQueue(self.host, self._clock, trusts_hints=settings.trust_hints)

    def add_request(self, request: Request) -> None:
        self._clock.tick()
        super().add_request(request)

    def schedule(self, *args: Any, **kwargs: Any) -> SchedulerOutput:
        self._clock.tick()
        return super().schedule(*args, **kwargs)

    def _update_after_schedule(self, scheduler_output: SchedulerOutput) -> None:
        # What was cached of a prompt is told before this step's tokens count as computed.
        self.waiting.note_popped()
        super()._update_after_schedule(scheduler_output)

    def update_from_output(self, scheduler_output: SchedulerOutput, *args: Any) -> Any:
        self._clock.tick()
        known = self.requests
        took_part = [known[name] for name in scheduler_output.num_scheduled_tokens if name in known]
        outputs = super().update_from_output(scheduler_output, *args)
        for request in took_part:
            if request.is_finished():
                self.waiting.ended(request, _OUTCOMES.get(request.status, Outcome.COMPLETED))
            else:
                self.waiting.produced(request)
        return outputs

    def finish_requests(
        self, request_ids: str | Iterable[str] | None, finished_status: RequestStatus
    ) -> list[Request]:
        self._clock.tick()
        finished: list[Request] = super().finish_requests(request_ids, finished_status)
        for request in finished:
            self.waiting.ended(request, _OUTCOMES.get(finished_status, Outcome.COMPLETED))
        return finished

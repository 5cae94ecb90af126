"""vLLM's own scheduler with the core's order: nothing of `schedule()` is copied.

vllm serve ... --scheduler-cls evenhand.inengine.vllm.FairScheduler
"""

import logging
from pathlib import Path
from typing import Any

from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.core.sched.request_queue import SchedulingPolicy
from vllm.v1.request import Request, RequestStatus
from vllm.version import __version__ as VLLM_VERSION  # noqa: N812 - a constant

from evenhand.inengine.accounts import Accounts
from evenhand.inengine.event_log import recorded
from evenhand.inengine.host import EngineHost
from evenhand.inengine.report import NowAndThen, report
from evenhand.inengine.settings import InEngineSettings, InEngineSettingsError
from evenhand.inengine.settings_document import document_of, secret_of
from evenhand.inengine.step_clock import StepClock
from evenhand.inengine.step_time_file import gpu_time
from evenhand.inengine.tenant_hints import HintReader
from evenhand.inengine.vllm import versions
from evenhand.inengine.vllm.fair_batch import FairBatch
from evenhand.inengine.vllm.fair_queue import FairQueue
from evenhand.inengine.vllm.roster import Roster
from evenhand.model import Outcome
from evenhand.scheduling.batching import KvCeilings

_OUTCOMES = {
    RequestStatus.FINISHED_ABORTED: Outcome.CANCELLED_RUNNING,
    RequestStatus.FINISHED_ERROR: Outcome.ENGINE_FAILED,
}
_NOBODY_IS_BELIEVED = (
    "evenhand: neither hints_secret nor trust_hints is set, so all requests are of one tenant,"
    " anonymous, and no share counts. Set one of them: in --additional-config, as"
    """ '{"evenhand": {"hints_secret": "env:NAME"}}', or in EVENHAND_INENGINE."""
)
_FLUSH_S = 1
_log = logging.getLogger("evenhand.inengine")


class FairScheduler(AsyncScheduler):
    """Asynchronous scheduling is kept: a subclass of the plain scheduler would switch it off.

    Raises InEngineSettingsError and UnsupportedVersionError, with what to do.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        shim = versions.shim(VLLM_VERSION)
        versions.check(VLLM_VERSION, versions.missing(shim.CLASSES, shim.NEEDS))
        super().__init__(*args, **kwargs)
        _log_where_vllm_does()
        versions.check(VLLM_VERSION, shim.lacking_attributes(self))
        told = self.vllm_config.additional_config
        settings = InEngineSettings.of(
            document_of(told.get("evenhand") if isinstance(told, dict) else None)
        )
        self._refuse_what_cannot_be(settings)
        self._clock = StepClock()
        self._event_log = recorded(settings, self._log_path(settings), host="vllm")
        engine = shim.Engine(self)
        self.host = EngineHost(settings, seats=engine.seats, scheduler=self._event_log.scheduler)
        secret = None if settings.hints_secret is None else secret_of(settings.hints_secret)
        self.hints = HintReader(trusts=settings.trust_hints, secret=secret)
        if secret is None and not settings.trust_hints:
            _log.warning(_NOBODY_IS_BELIEVED)
        self.roster = Roster(self.host, self._clock, self.hints)
        ceilings = _ceilings(settings, engine.blocks)
        self._queue = self.waiting = FairQueue(self.roster, engine, self, ceilings)
        self._batch = FairBatch(settings, self.roster, self._queue, engine, scheduler=self)
        self._engine = engine
        self._gpu_time = gpu_time(settings, self._rank_path)
        self._reports = NowAndThen(settings.report_s)
        self._flushes = NowAndThen(_FLUSH_S)
        _log.info(
            "evenhand: %s schedules this engine, policy %s", type(self).__name__, settings.policy
        )

    # vLLM calls.

    def add_request(self, request: Request) -> None:
        self._clock.tick()
        super().add_request(request)

    def schedule(self, *args: Any, **kwargs: Any) -> SchedulerOutput:
        self._clock.tick()
        self._queue.begin_step()
        self._batch.prepare()
        output = super().schedule(*args, **kwargs)
        self._batch.scheduled(output)
        if self._gpu_time is not None:
            self._gpu_time.times.begun(self.roster.owners(output.num_scheduled_tokens))
        return output

    def _update_after_schedule(self, scheduler_output: SchedulerOutput) -> None:
        # What was cached of a prompt is told before this step's tokens count as computed.
        self._queue.note_popped()
        super()._update_after_schedule(scheduler_output)
        self.roster.accounts.scheduled += scheduler_output.total_num_scheduled_tokens

    def update_from_output(self, scheduler_output: SchedulerOutput, *args: Any) -> Any:
        self._clock.tick()
        self._batch.done()
        if self._gpu_time is not None:
            self._gpu_time.times.done()
        drafts = self._engine.drafts(scheduler_output)
        places = self.roster.places(drafts) if drafts else {}
        outputs = super().update_from_output(scheduler_output, *args)
        self._queue.outputs_came()
        for request, before in places.items():
            self.roster.accounts.discarded += max(0, before - request.num_computed_tokens)
        if self._reports.is_due(self._clock.now_ms):
            report(self.roster.accounts_now(), self.hints.problems)
        if self._flushes.is_due(self._clock.now_ms):
            self._event_log.flush()
        return outputs

    def finish_requests(self, *args: Any, **kwargs: Any) -> Any:
        self._clock.tick()
        return super().finish_requests(*args, **kwargs)

    def _preempt_request(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.roster.taken_back(request)
        super()._preempt_request(request, *args, **kwargs)

    def _free_request(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        # Each ending there is comes by here, once.
        self._queue.ended(request, _OUTCOMES.get(request.status, Outcome.COMPLETED))
        return super()._free_request(request, *args, **kwargs)

    def shutdown(self) -> None:
        self._event_log.close()
        if self._gpu_time is not None:
            self._gpu_time.close()
        super().shutdown()

    # People ask.

    def accounts(self) -> Accounts:
        """What was computed so far, and for whom."""
        return self.roster.accounts_now()

    # Inside.

    def _refuse_what_cannot_be(self, settings: InEngineSettings) -> None:
        if self.policy is not SchedulingPolicy.FCFS:
            raise InEngineSettingsError(
                "evenhand: vLLM is started with --scheduling-policy priority, which would choose whom to"
                " preempt. Leave it out: lanes say what is urgent."
            )
        thinks = any(caps.thinking_tokens_max is not None for caps in settings.lane_caps.values())
        if thinks and self.vllm_config.reasoning_config is None:
            raise InEngineSettingsError(
                "evenhand: a lane has thinking_tokens_max, which vLLM knows how to keep only with"
                " --reasoning-parser. Give it one, or leave thinking_tokens_max out."
            )

    def _log_path(self, settings: InEngineSettings) -> Path | None:
        return None if settings.event_log is None else self._rank_path(settings.event_log)

    def _rank_path(self, name: str) -> Path:
        path = Path(name)
        rank = self.parallel_config.data_parallel_index
        if self.parallel_config.data_parallel_size > 1:
            path = path.with_name(f"rank{rank}-{path.name}")  # each has a scheduler of its own
        return path


def _log_where_vllm_does() -> None:
    """It configures no logger but its own."""
    ours, theirs = logging.getLogger("evenhand.inengine"), logging.getLogger("vllm")
    if not ours.handlers:
        ours.setLevel(theirs.level)
        for handler in theirs.handlers:
            ours.addHandler(handler)


def _ceilings(settings: InEngineSettings, blocks: int) -> KvCeilings:
    each = settings.kv_ceiling_percent
    return KvCeilings(
        {
            tenant: percent * blocks // 100
            for tenant, percent in settings.kv_ceilings_percent.items()
        },
        each=None if each is None else each * blocks // 100,
    )

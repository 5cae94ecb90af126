"""The entry point by which an installed Evenhand is every vLLM's scheduler, where the operator says so.

EVENHAND_VLLM=1 vllm serve ...
"""

import os
from collections.abc import Mapping

SWITCH = "EVENHAND_VLLM"


def register(environment: Mapping[str, str] = os.environ) -> None:
    """Called by vLLM in each of its processes, possibly more than once. Without the switch nothing
    happens. A scheduler that is named on the command line is kept."""
    if environment.get(SWITCH) != "1":
        return
    from vllm.config import SchedulerConfig  # noqa: PLC0415 - only where it is asked for

    plain = SchedulerConfig.get_scheduler_cls
    if getattr(plain, "is_evenhand", False):
        return

    def get_scheduler_cls(config: SchedulerConfig) -> type:
        if config.scheduler_cls is not None:
            return plain(config)
        from evenhand.inengine.vllm import FairScheduler  # noqa: PLC0415 - vLLM is ready only now

        return FairScheduler

    get_scheduler_cls.is_evenhand = True  # type: ignore[attr-defined]
    SchedulerConfig.get_scheduler_cls = get_scheduler_cls

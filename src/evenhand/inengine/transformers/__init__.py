"""transformers' continuous batching with the core inside.

    from evenhand.inengine.transformers import register, submit
    register(policy="vtc")
    config = ContinuousBatchingConfig(scheduler_type="evenhand")
    manager = model.init_continuous_batching(continuous_batching_config=config)
    manager.start()
    submit(manager, token_ids, tenant="acme/search", max_new_tokens=64)

`python -m evenhand.inengine.transformers serve MODEL --continuous-batching` is `transformers serve` with
it.
"""

from evenhand.inengine.transformers.registry import (
    NAME,
    NotInUseError,
    ensure_in_use,
    register,
    submit,
)
from evenhand.inengine.transformers.scheduler import FairScheduler
from evenhand.inengine.transformers.versions import UnsupportedVersionError

__all__ = [
    "NAME",
    "FairScheduler",
    "NotInUseError",
    "UnsupportedVersionError",
    "ensure_in_use",
    "register",
    "submit",
]

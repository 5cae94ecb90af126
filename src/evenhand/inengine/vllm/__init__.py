"""vLLM's scheduler with the core inside. The names that vLLM is given are here.

They are loaded when they are asked for: vLLM's own modules, on which they stand, are not ready when it
loads its plug-ins, and its HTTP server needs no scheduler.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evenhand.inengine.vllm.scheduler import FairScheduler
    from evenhand.inengine.vllm.tenant_headers import TenantHeaders

__all__ = ["FairScheduler", "TenantHeaders"]

_PLACES = {"FairScheduler": "scheduler", "TenantHeaders": "tenant_headers"}


def __getattr__(name: str) -> Any:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{place}"), name)

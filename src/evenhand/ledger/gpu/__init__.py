"""GPU time: every microsecond of an engine's GPUs belongs to a request, or is idle, down or away.

`gpu-time.md` says how it is divided, and what is approximated.
"""

from evenhand.ledger.gpu.division import divide
from evenhand.ledger.gpu.engine_time import EngineTime, Stretch
from evenhand.ledger.gpu.hours import by_hour
from evenhand.ledger.gpu.owner import NOBODY, GpuKind, GpuOwner
from evenhand.ledger.gpu.price import NO_GPU_PRICE, US_PER_HOUR, GpuPrice, gpu_nano
from evenhand.ledger.gpu.stay import GpuStay
from evenhand.ledger.gpu.told import ToldAccount, ToldTime

__all__ = [
    "NOBODY",
    "NO_GPU_PRICE",
    "US_PER_HOUR",
    "EngineTime",
    "GpuKind",
    "GpuOwner",
    "GpuPrice",
    "GpuStay",
    "Stretch",
    "ToldAccount",
    "ToldTime",
    "by_hour",
    "divide",
    "gpu_nano",
]

"""GPU time as the gateway sees it: whose requests are at which engine, and for how long."""

from evenhand.gateway.gpu.keeper import GpuKeeper
from evenhand.gateway.gpu.meter import GpuMeter

__all__ = ["GpuKeeper", "GpuMeter"]

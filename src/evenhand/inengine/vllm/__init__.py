"""vLLM's scheduler with the core inside. The names that vLLM is given are here."""

from evenhand.inengine.vllm.scheduler import FairScheduler

__all__ = ["FairScheduler"]

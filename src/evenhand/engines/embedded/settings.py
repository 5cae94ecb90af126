"""What can be chosen about the embedded engine."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class EmbeddedSettings:
    """Raises ValueError for what cannot work."""

    model_file: Path | None = None
    """A GGUF file; None: random weights."""
    slots: int = 4
    """Requests that run at once; llama.cpp queues the rest first come, first served."""
    context_tokens: int = 4096
    """Prompt and answer of one slot."""
    pooling: Literal["last", "mean", "cls", "model"] | None = None
    """Of embeddings; `model`: as the model file says. None: it serves no embeddings."""
    threads: int | None = None
    """None: all cores but one, which the gateway needs."""
    memory_bytes_max: int = 4 * 1024**3
    """Resident; above it the engine is restarted at once and its running requests fail."""

    def __post_init__(self) -> None:
        for name, least in (("slots", 1), ("context_tokens", 64), ("memory_bytes_max", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} of the embedded engine must be {least} or more")
        if self.threads is not None and self.threads < 1:
            raise ValueError("threads of the embedded engine must be 1 or more, or left out")

    @property
    def threads_used(self) -> int:
        """The engine's threads with the default resolved on this machine."""
        return self.threads or max(1, len(os.sched_getaffinity(0)) - 1)

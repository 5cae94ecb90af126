"""A real engine without a GPU or a download: llama.cpp in a process of its own, watched.

Lives here: the random-weight model, the process that serves it, and what starts and watches it.
May import: the standard library; xllamacpp only in the child; gguf and numpy only to write a model.
Promises: never left behind, bounded memory, one URL; no prompt is reused for another request unless
its body asks for it (`cache_prompt`, `id_slot`: a gateway in front must set or strip them).
"""

from evenhand.engines.embedded.error import EmbeddedEngineError
from evenhand.engines.embedded.launcher import EmbeddedEngine
from evenhand.engines.embedded.settings import EmbeddedSettings

__all__ = ["EmbeddedEngine", "EmbeddedEngineError", "EmbeddedSettings"]

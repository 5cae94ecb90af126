"""Matching a long prompt, half of which an engine has seen, in an index of much other text."""

from importlib import import_module
from random import Random
from typing import Any

from evenhand.model import EngineName

_BLOCK_BYTES = 256
_PROMPT_BYTES = 32 * 1024
_ENGINES = tuple(EngineName(f"engine-{number}") for number in range(8))
_HEADS = 50
"""Half of the texts begin with one of so many, as prompts of one application do."""


class Prefixes:
    """Raises ImportError while there is no index to measure."""

    def __init__(self, blocks: int) -> None:
        index_type: Any = import_module("evenhand.locality").PrefixIndex
        self._random = random = Random(1)  # noqa: S311 - a benchmark
        self._index = index_type(2 * blocks * _BLOCK_BYTES)
        heads = [random.randbytes(_PROMPT_BYTES // 4) for _ in range(_HEADS)]
        self._known: list[tuple[bytes, EngineName]] = []
        for number in range(blocks * _BLOCK_BYTES // _PROMPT_BYTES):
            head = random.choice(heads) if number % 2 else b""
            text = head + random.randbytes(_PROMPT_BYTES - len(head))
            engine = random.choice(_ENGINES)
            self._index.insert(text, engine)
            if number % 7 == 0:
                self._known.append((text[: _PROMPT_BYTES // 2], engine))

    def prepare(self) -> None:
        half, self._engine = self._random.choice(self._known)
        self._prompt = half + self._random.randbytes(_PROMPT_BYTES // 2)

    def decide(self) -> None:
        self._index.matched(self._prompt, self._engine)

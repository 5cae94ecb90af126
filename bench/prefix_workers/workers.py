"""The four engines, new for each policy: embedded ones, or simulated ones with blocks as in vLLM."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.prefix_workers.arms import SEATS
from bench.prefix_workers.mocker import BLOCK_TOKENS, mockers
from evenhand.engines.embedded.random_weights import ModelShape, write_random_model

COUNT = 4
SLOTS = 16
"""Of an embedded engine. A slot keeps its last prompt, and llama.cpp chooses the idle one that has most
of the next: so slots are its cache too, and there are more of them than requests that run, or the choice
is none."""
BLOCKS = 4_600
"""Of a simulated one: about twelve documents, half of all that are asked about at a time."""
SHAPE = ModelShape(hidden=64, layers=2, heads=2, feed_forward=128)
_CONTEXT_TOKENS = 2_048


@asynccontextmanager
async def workers(dynamo: Path | None, folder: Path) -> AsyncIterator[list[dict[str, Any]]]:
    """As the gateway's configuration names them. `dynamo` is a Python that has it; None: embedded."""
    if dynamo is not None:
        async with mockers(dynamo, folder, COUNT, seats=SEATS, blocks=BLOCKS) as simulated:
            yield simulated
        return
    model_file = folder / "model.gguf"
    if not model_file.exists():
        write_random_model(model_file, SHAPE)
    engine = {
        "kind": "embedded",
        "model_file": str(model_file),
        "slots": SLOTS,
        "context_tokens": _CONTEXT_TOKENS,
        "threads": 1,
    }
    yield [engine] * COUNT


def described(dynamo: Path | None) -> dict[str, Any]:
    """For the record."""
    if dynamo is None:
        return {"engine": "embedded (llama.cpp)", "count": COUNT, "slots": SLOTS}
    cache = {"blocks": BLOCKS, "block_tokens": BLOCK_TOKENS}
    return {"engine": "NVIDIA Dynamo mocker", "count": COUNT, "seats": SEATS, **cache}

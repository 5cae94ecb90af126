"""A job in a vLLM-like engine: what it holds and how far it has come."""

from evenhand.sim.engine.prefix_cache import Node
from evenhand.sim.engine.prefix_cache.node import Path
from evenhand.sim.job import Job


class Sequence:
    """`number` counts admissions. While its prompt is computed, `computed` of `target` tokens are done.
    While it decodes it has produced as many tokens as steps were done since `zero`, and ends with step
    `end`.

    `path` is what the target consists of, empty if nobody can share it: its `prompt`, and after a
    preemption what it had answered, of content `answer`. Of the blocks that it holds, those of the first
    `shared` tokens are its `node` and what that follows.
    """

    __slots__ = (
        "answer",
        "computed",
        "end",
        "is_gone",
        "job",
        "node",
        "number",
        "path",
        "prompt",
        "shared",
        "target",
        "zero",
    )

    def __init__(self, job: Job) -> None:
        self.job = job
        self.number = 0
        self.computed = 0
        self.target = 0
        self.zero = 0
        self.end = -1
        self.is_gone = False
        """Its client has left; it goes at the next boundary."""
        self.prompt: Path = ()
        self.path: Path = ()
        self.answer: int | None = None
        self.node: Node | None = None
        self.shared = 0

"""A job in a vLLM-like engine: what it holds and how far it has come."""

from evenhand.sim.job import Job


class Sequence:
    """`number` counts admissions. While its prompt is computed, `computed` of `target` tokens are done.
    While it decodes it has produced as many tokens as steps were done since `zero`, and ends with step
    `end`."""

    __slots__ = ("computed", "end", "is_gone", "job", "number", "target", "zero")

    def __init__(self, job: Job) -> None:
        self.job = job
        self.number = 0
        self.computed = 0
        self.target = 0
        self.zero = 0
        self.end = -1
        self.is_gone = False
        """Its client has left; it goes at the next boundary."""

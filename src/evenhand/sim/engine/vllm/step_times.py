"""Step costs at hand: what a step with so many tokens takes is worked out once."""

from evenhand.sim.engine.step_cost import StepCost


class StepTimes:
    """Of one engine. Answers as `StepCost.step_ms` does, several times as fast."""

    __slots__ = ("_cost", "_dense_ms", "_fixed_ms", "c_a_ms", "c_kv_ms", "c_r_ms")

    def __init__(self, cost: StepCost) -> None:
        self._cost = cost
        self._fixed_ms = cost.fixed_ms
        self.c_kv_ms = cost.c_kv_ms
        self.c_r_ms = cost.c_r_ms
        self.c_a_ms = cost.c_a_ms
        self._dense_ms: dict[int, float] = {}  # bounded by the token budget of a step

    def step_ms(self, tokens: int, requests: int, context_tokens: int, pairs: float) -> float:
        """One iteration, see `StepCost`."""
        dense_ms = self._dense_ms.get(tokens)
        if dense_ms is None:
            dense_ms = self._dense_ms[tokens] = self._cost.dense_ms(tokens) + self._fixed_ms
        attention_ms = self.c_kv_ms * context_tokens + self.c_a_ms * pairs
        return dense_ms + attention_ms + self.c_r_ms * requests

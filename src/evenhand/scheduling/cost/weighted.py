"""Weighted tokens: the cost of VTC (arXiv 2401.00588), linear in input, cached input and output."""

from evenhand.model import Request, Usage
from evenhand.scheduling.cost.protocol import Cost, Work
from evenhand.scheduling.cost.weights import TokenWeights


class WeightedTokens:
    """So many units for each token."""

    measures_time = False

    def __init__(self, weights: TokenWeights) -> None:
        self.weights = weights

    def pin(self, request: Request) -> int:
        del request  # the same for all
        return 1

    def units(self, work: Work, pinned: int) -> int:
        del pinned
        weights = self.weights
        return (
            (work.input_tokens - work.cached_input_tokens) * weights.input
            + work.cached_input_tokens * weights.cached_input
            + work.output_tokens * weights.output
        )

    def units_max(self, input_tokens: int, output_tokens: int) -> int:
        return self.weights.of_tokens(input_tokens, output_tokens)

    def learn(self, request: Request, usage: Usage, engine_us: int, now_ms: int) -> None:
        """Nothing to learn."""


_: type[Cost] = WeightedTokens

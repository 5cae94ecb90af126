"""How wrong predictions were, per model: what `evenhand_prediction_*` shows.

Two sums, because they do different harm. Too much predicted is refunded at the end and delays its tenant
until then; too little is charged as it comes, so that much of a burst was free at the pick.
"""

from dataclasses import dataclass

from evenhand.model import ModelName, Request


@dataclass(slots=True)
class PredictionError:
    """Sums over completed answers, in tokens of all choices together. The absolute error is
    `over_tokens + under_tokens`, the signed one `over_tokens - under_tokens`."""

    answers: int = 0
    over_tokens: int = 0
    under_tokens: int = 0


class PredictionErrors:
    """By model, so bounded by those of the configuration."""

    def __init__(self) -> None:
        self.by_model: dict[ModelName, PredictionError] = {}

    def note(self, request: Request, predicted_tokens: int, output_tokens: int) -> None:
        """An answer is complete. Those that could have no output say nothing."""
        if request.output_tokens_max == 0:
            return
        known = self.by_model.get(request.model)
        if known is None:
            known = self.by_model[request.model] = PredictionError()
        known.answers += 1
        if predicted_tokens > output_tokens:
            known.over_tokens += predicted_tokens - output_tokens
        else:
            known.under_tokens += output_tokens - predicted_tokens

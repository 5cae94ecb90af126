"""How many tokens a request will produce, guessed at the pick so that a burst is not free.

A request is charged for its expected output when it is picked, and the difference to the truth while
it runs and when it ends. Without this, all requests of a burst are picked at the price of their
prompts before the first of them has been charged for its answer.
"""

from enum import StrEnum

from evenhand.model import ModelName, Request, TenantPath

_SHIFT = 8
"""Means are kept times 2^8, so that short answers do not round away."""
_ROUND_UP = (1 << _SHIFT) - 1


class Prediction(StrEnum):
    """Ways to guess."""

    NONE = "none"
    RUNNING_MEAN = "running-mean"


class OutputPrediction:
    """Running mean per (tenant, model), `new = (4 old + length) / 5` as in the VTC artifact.

    Cold start: the model's mean over all tenants, and before that `default_tokens`. A guess never
    exceeds what the client allows. Bounded by configured tenants times models.
    """

    def __init__(self, kind: Prediction, *, default_tokens: int) -> None:
        assert default_tokens >= 0
        self._guesses = kind is not Prediction.NONE
        self._default = default_tokens << _SHIFT
        self._by_tenant: dict[tuple[TenantPath, ModelName], int] = {}
        self._by_model: dict[ModelName, int] = {}

    def tokens(self, request: Request) -> int:
        """Expected output tokens of all choices together."""
        if not self._guesses:
            return 0
        mean = self._by_tenant.get((request.tenant, request.model))
        if mean is None:
            mean = self._by_model.get(request.model, self._default)
        each = (mean + _ROUND_UP) >> _SHIFT
        if request.output_tokens_max is not None:
            each = min(each, request.output_tokens_max)
        return each * request.choices

    def learn(self, request: Request, output_tokens: int) -> None:
        """Take in the length of a completed answer. Broken-off ones say nothing of lengths,
        and neither do those that may have no output: embeddings, or prompts to be scored."""
        if not self._guesses or request.output_tokens_max == 0:
            return
        length = (output_tokens << _SHIFT) // request.choices
        model = request.model
        key = (request.tenant, model)
        self._by_tenant[key] = (4 * self._by_tenant.get(key, length) + length) // 5
        self._by_model[model] = (4 * self._by_model.get(model, length) + length) // 5

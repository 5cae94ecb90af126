"""Running mean, `new = (4 old + length) / 5` as in the VTC artifact, per tenant, application and
model."""

from evenhand.model import ApplicationName, ModelName, Request, TenantPath
from evenhand.scheduling.prediction.protocol import Prediction

_SHIFT = 8
"""Means are kept times 2^8, so that short answers do not round away."""
_ROUND_UP = (1 << _SHIFT) - 1


class RunningMean:
    """Cold start: the model's mean over all tenants, and before that `default_tokens`."""

    def __init__(self, *, default_tokens: int) -> None:
        assert default_tokens >= 0
        self._default = default_tokens << _SHIFT
        self._by_tenant: dict[TenantPath, dict[tuple[ApplicationName, ModelName], int]] = {}
        self._by_model: dict[ModelName, int] = {}

    def tokens(self, request: Request) -> int:
        known = self._by_tenant.get(request.tenant)
        mean = known.get((request.application, request.model)) if known is not None else None
        if mean is None:
            mean = self._by_model.get(request.model, self._default)
        each = (mean + _ROUND_UP) >> _SHIFT
        if request.output_tokens_max is not None:
            each = min(each, request.output_tokens_max)
        return each * request.choices

    def learn(self, request: Request, output_tokens: int) -> None:
        """Those that may have no output teach nothing: embeddings, or prompts to be scored."""
        if request.output_tokens_max == 0:
            return
        length = (output_tokens << _SHIFT) // request.choices
        model = request.model
        known = self._by_tenant.setdefault(request.tenant, {})
        key = (request.application, model)
        known[key] = (4 * known.get(key, length) + length) // 5
        self._by_model[model] = (4 * self._by_model.get(model, length) + length) // 5

    def forget(self, tenant: TenantPath) -> None:
        self._by_tenant.pop(tenant, None)


_: type[Prediction] = RunningMean

"""A quantile of the lengths of answers, per tenant, application and model. Its use: prediction.md."""

from evenhand.model import ApplicationName, ModelName, Request, TenantPath
from evenhand.scheduling.histogram import DecayedHistogram
from evenhand.scheduling.parts import Parameter
from evenhand.scheduling.prediction.protocol import Prediction

QUANTILE_PERCENT = Parameter(
    name="quantile_percent",
    meaning="so many of a hundred answers are no longer than predicted",
    default=50,
    minimum=1,
    maximum=100,
)
QUANTILE_MEMORY_ANSWERS = Parameter(
    name="quantile_memory_answers",
    meaning="about so many of the last answers make up a prediction",
    default=64,
    minimum=1,
    maximum=100_000,
)

_ANSWERS_MIN = 4
"""With fewer of its own, a tenant is predicted like everybody who uses the model."""


class Quantile:
    """Cold start: the model's own history over all tenants, and before that `default_tokens`."""

    def __init__(self, *, percent: int, memory_answers: int, default_tokens: int) -> None:
        self._percent = percent
        self._memory = memory_answers
        self._default = default_tokens
        self._by_tenant: dict[
            TenantPath, dict[tuple[ApplicationName, ModelName], DecayedHistogram]
        ] = {}
        self._by_model: dict[ModelName, DecayedHistogram] = {}

    def tokens(self, request: Request) -> int:
        known = self._by_tenant.get(request.tenant)
        own = known.get((request.application, request.model)) if known is not None else None
        if own is None or own.amounts < min(_ANSWERS_MIN, self._memory):
            own = self._by_model.get(request.model)
        each = self._default if own is None else own.quantile(self._percent)
        if request.output_tokens_max is not None:
            each = min(each, request.output_tokens_max)
        return each * request.choices

    def learn(self, request: Request, output_tokens: int) -> None:
        """Those that may have no output teach nothing: embeddings, or prompts to be scored."""
        if request.output_tokens_max == 0:
            return
        length, model = -(-output_tokens // request.choices), request.model
        known = self._by_tenant.setdefault(request.tenant, {})
        key = (request.application, model)
        own = known.get(key)
        if own is None:
            own = known[key] = DecayedHistogram(memory=self._memory)
        own.add(length)
        all_tenants = self._by_model.get(model)
        if all_tenants is None:
            all_tenants = self._by_model[model] = DecayedHistogram(memory=self._memory)
        all_tenants.add(length)

    def forget(self, tenant: TenantPath) -> None:
        self._by_tenant.pop(tenant, None)


_: type[Prediction] = Quantile

"""The truth, which only a simulator knows: what every other prediction is measured against."""

from evenhand.model import Request, TenantPath
from evenhand.scheduling.prediction.protocol import Prediction


class Oracle:
    """Knows every answer's length. Only where requests bring it along, as simulated ones do."""

    def tokens(self, request: Request) -> int:
        true = request.output_tokens_true
        assert true is not None, (
            f"{request.id} does not say how long its answer will be: the prediction `oracle` is for "
            "simulators; a gateway takes `running-mean`, `quantile` or `none`"
        )
        if request.output_tokens_max is None:
            return true
        return min(true, request.output_tokens_max * request.choices)

    def learn(self, request: Request, output_tokens: int) -> None:
        """Nothing to learn."""

    def forget(self, tenant: TenantPath) -> None:
        """Nothing to forget."""


_: type[Prediction] = Oracle

"""No prediction: output is charged as it comes, as in the paper's plain VTC."""

from evenhand.model import Request, TenantPath
from evenhand.scheduling.prediction.protocol import Prediction


class NoPrediction:
    """Expects nothing."""

    def tokens(self, request: Request) -> int:
        del request
        return 0

    def learn(self, request: Request, output_tokens: int) -> None:
        """Nothing to learn."""

    def forget(self, tenant: TenantPath) -> None:
        """Nothing to forget."""


_: type[Prediction] = NoPrediction

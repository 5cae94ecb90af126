"""Weighted service counters once more, plainly: from the rules in cost/wsc.md, not from the code.

Virtual token counters, but what a token costs is the factor of the request's application for its model.
"""

from collections.abc import Mapping

from evenhand.model import Request, Usage
from support.reference_vtc import ReferenceVtc, Stay

MEMORY_CALLS, RATIO_MAX, ONE = 200, 10, 2**16


class ReferenceWsc(ReferenceVtc):
    def __init__(self, weights: Mapping[str, int], *, predicts: bool, default_tokens: int) -> None:
        super().__init__(weights, predicts=predicts, default_tokens=default_tokens)
        self.calls: dict[object, int] = {}
        self.uses: dict[object, int] = {}
        """Means of weighted tokens in 256ths, of models and of applications in models."""

    def pin(self, request: Request) -> int:
        model, application = request.model, (request.application, request.model)
        if application not in self.uses:
            return ONE
        of_model, of_application = (max(1, self.uses[k] // 256) for k in (model, application))
        factor = of_model * ONE // of_application
        return min(RATIO_MAX * ONE, max(ONE // RATIO_MAX, factor))

    def units(self, input_tokens: int, cached: int, output: int, pinned: int) -> int:
        return -(-super().units(input_tokens, cached, output, 1) * pinned // ONE)

    def learn(self, stay: Stay, usage: Usage, *, completed: bool) -> None:
        super().learn(stay, usage, completed=completed)
        work = (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens)
        used = super().units(*work, 1)
        if not used:
            return
        for key in (stay.request.model, (stay.request.application, stay.request.model)):
            calls = self.calls[key] = min(MEMORY_CALLS, self.calls.get(key, 0) + 1)
            self.uses[key] = (self.uses.get(key, 0) * (calls - 1) + used * 256) // calls

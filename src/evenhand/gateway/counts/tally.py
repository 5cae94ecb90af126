"""What the gateway has done at one engine, as far as the ledger does not tell it."""

from typing import NamedTuple

from evenhand.ledger.reconciliation import Sums
from evenhand.model import Outcome, Usage
from evenhand.wire.completion import Completion

_NO_LIMIT = 1 << 30


class Most(NamedTuple):
    """Tokens that an engine may count for a request at most, for all of its choices."""

    input: int
    output: int


class EngineTally:
    """For each request: `began`, then `ended` once, with what `began` said. `counts_choices`: the engine
    counts a prompt once for each of its choices."""

    def __init__(self, *, counts_choices: bool) -> None:
        self.sums = Sums()
        self.open_requests = 0
        self.open_choices = 0
        self.open_input = 0
        self.open_output_most = 0
        self.changes = 0
        """How often a request came or went."""
        self.may_go_on = True
        """The engine may be at what is no longer ours: an earlier gateway's, or one that was left."""
        self._counts_choices = counts_choices

    def began(self, completion: Completion, input_tokens: int) -> Most:
        """A request was sent there, its prompt as long as is expected."""
        most = _most(completion, input_tokens)
        self.changes += 1
        self.open_requests += 1
        self.open_choices += completion.choices
        self.open_input += most.input
        self.open_output_most += most.output
        return most

    def ended(
        self,
        completion: Completion,
        most: Most,
        usage: Usage | None,
        outcome: Outcome | None,
        *,
        has_answered: bool,
        was_sent: bool,
    ) -> None:
        """It is there no more. `usage` is what is charged, if anything is; `outcome` None: it is tried
        again elsewhere. `has_answered`: output was seen."""
        input_most, output_most = most
        self.changes += 1
        self.open_requests -= 1
        self.open_choices -= completion.choices
        self.open_input -= input_most
        self.open_output_most -= output_most
        sums = self.sums
        if outcome is Outcome.COMPLETED:
            if completion.choices > 1:
                self._count_surplus(completion, usage)
        elif outcome is None:
            if was_sent:
                self.may_go_on = True
                sums.retried += 1
                sums.retried_input_most += input_most
                sums.retried_output_most += output_most
        elif was_sent and outcome is not Outcome.REFUSED_BY_ENGINE:
            self.may_go_on = True
            sums.left += 1
            sums.left_output_most += output_most
            if usage is not None and has_answered and not usage.is_estimate:
                self._count_surplus(completion, usage)
                return
            sums.left_input_most += input_most
            if usage is not None:
                sums.left_output_most -= min(output_most, usage.output_tokens)
                sums.left_input += usage.input_tokens

    def _count_surplus(self, completion: Completion, usage: Usage | None) -> None:
        if self._counts_choices and usage is not None and not completion.is_embedding:
            each = completion.choices // max(1, completion.prompts)
            self.sums.surplus_input += usage.input_tokens * max(0, each - 1)


def _most(completion: Completion, input_tokens: int) -> Most:
    """An expectation of the prompt may be too low; half again is taken for the most."""
    choices, each = completion.choices, completion.output_tokens_max
    times = 1 if choices == 1 else max(1, choices // max(1, completion.prompts))
    output_most = (_NO_LIMIT if each is None else each) * choices
    return Most((input_tokens * 3 // 2 + 16) * times, 0 if completion.is_embedding else output_most)

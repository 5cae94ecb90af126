"""How many tokens of prompts a step may compute, so that running answers get their next token in time.

Learned by doing, without a model of the engine: a step that took too long cuts the amount, one that had
that much to do and was quick raises it. Derivation and bound: batching.md.
"""

_CUT_MIN_SHIFT = 4  # too long: a sixteenth less at least
_RISE_SHIFT = 7  # in time: 1/128 more
_FAST_RISE_SHIFT = 3  # in three quarters of the time: an eighth more


class StepPace:
    """For one target. `tokens` is the amount at this moment, from `tokens_min`, so that prompts always
    get on, to `tokens_max`."""

    def __init__(self, target_us: int, *, tokens_min: int, tokens_max: int) -> None:
        assert target_us > 0
        assert 1 <= tokens_min <= tokens_max
        self._aim_us = target_us - target_us // 8  # what steps differ by should fit in between
        self._tokens_min = tokens_min
        self._tokens_max = tokens_max
        self.tokens = tokens_max

    def took(self, prompt_tokens: int, step_us: int) -> None:
        """A step with so many tokens of prompts, in which answers ran too, took so long.

        May be told late, after further steps were begun: each step counts by the tokens that it had.
        """
        assert step_us >= 0
        if prompt_tokens <= 0:
            return  # what it took is not due to prompts
        if step_us > self._aim_us:
            fitting = prompt_tokens * self._aim_us // step_us
            cut = prompt_tokens - max(1, prompt_tokens >> _CUT_MIN_SHIFT)
            cut = max(prompt_tokens >> 1, min(cut, fitting))
            self.tokens = max(self._tokens_min, min(self.tokens, cut))
        elif prompt_tokens >= self.tokens - (self.tokens >> 3):
            is_quick = step_us * 4 <= self._aim_us * 3
            shift = _FAST_RISE_SHIFT if is_quick else _RISE_SHIFT
            risen = prompt_tokens + max(1, prompt_tokens >> shift)
            self.tokens = min(self._tokens_max, max(self.tokens, risen))

"""What the gateway sees of an engine by itself: its own requests there, answered or not."""

from evenhand.model import RequestId
from evenhand.scheduling.window.answer_delays import AnswerDelays
from evenhand.scheduling.window.evidence import Evidence

_ANSWERS_MIN = 8


class OwnSignals:
    """Told of each request that is sent to the engine, is answered, or goes. Streamed answers count from
    their first token, others when they are whole."""

    def __init__(self) -> None:
        self._first_tokens = AnswerDelays()
        self._whole = AnswerDelays()
        self._waiting_before = 0

    def started(self, request_id: RequestId, prompt_tokens: int | None, now_us: int) -> None:
        """`prompt_tokens` of a request whose answer is streamed, None for others."""
        delays = self._whole if prompt_tokens is None else self._first_tokens
        delays.started(request_id, prompt_tokens, now_us)

    def first_token(self, request_id: RequestId, now_us: int, *, is_calm: bool) -> None:
        """Of a streamed answer."""
        self._first_tokens.answered(request_id, now_us, is_calm=is_calm)

    def ended(
        self, request_id: RequestId, answer_tokens: int | None, now_us: int, *, is_calm: bool
    ) -> None:
        """It is off the engine. `answer_tokens` None: without a whole answer."""
        self._first_tokens.gone(request_id)
        if answer_tokens is None:
            self._whole.gone(request_id)
        else:
            self._whole.answered(request_id, now_us, is_calm=is_calm, size=answer_tokens)

    def begin_round(self, now_us: int) -> None:
        """Answers count that are of requests sent from now on."""
        self._first_tokens.begin_round(now_us)
        self._whole.begin_round(now_us)
        self._waiting_before = 0

    def evidence(self, window: int, now_us: int) -> Evidence:
        """What this moment and the one before, when it was asked last, both show."""
        both = (self._first_tokens, self._whole)
        waiting = sum(delays.waiting(now_us) for delays in both)
        standing = min(waiting, self._waiting_before)
        self._waiting_before = waiting
        target = 1 + window // 16
        answers_min = min(_ANSWERS_MIN, window)
        is_heard = sum(delays.answers for delays in both) >= answers_min
        is_over = all(delays.would_show(now_us) for delays in both)
        return Evidence(
            standing, is_heard and is_over and waiting < target, target, 2 + window // 8
        )

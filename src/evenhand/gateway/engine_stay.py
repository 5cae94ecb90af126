"""One call's time at one engine, and what it says of the engine in the end."""

from evenhand.engines.circuit import Sent, Verdict
from evenhand.gateway.engine_allowances import EngineAllowances
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.relay import Fault
from evenhand.model import Outcome
from evenhand.wire.answer_origin import AnswerOrigin


class EngineStay:
    """From the sending of a request to its end there. `verdict` is for the engine's circuit."""

    __slots__ = ("_allowances", "_has_answered", "_heard_s", "link", "sent", "verdict")

    def __init__(
        self, allowances: EngineAllowances, link: EngineLink, sent: Sent, now_s: float
    ) -> None:
        self.link = link
        self.sent = sent
        self.verdict = Verdict.NONE
        self._allowances = allowances
        self._heard_s = now_s
        self._has_answered = False

    def origin(self, choices: int) -> AnswerOrigin | None:
        """What tells its answer from others; None where the engine's ids do not."""
        if not self.link.dialect.keeps_ids:
            return None
        sent = self.sent
        return AnswerOrigin(sent.id, sent.model, self.link.names, choices=choices)

    def begun(self, streamed_prompt_tokens: int | None) -> None:
        """It was sent; how long its prompt is taken to be, if its answer is streamed."""
        self.link.sent(self.sent.id, streamed_prompt_tokens)

    def produced(self, now_s: float) -> None:
        """Output has come."""
        self.link.heard_s = self._heard_s = now_s
        if not self._has_answered:
            self._has_answered = True
            self.link.first_token(self.sent.id)
            self._allowances.answers(self.link, self.sent.id)

    def ended(self, whole_answer_tokens: int | None) -> None:
        """It is there no more; how long its answer is, if it came whole and at once."""
        self.link.left(self.sent.id, whole_answer_tokens)

    def failed(self, outcome: Outcome, fault: Fault, pause_ms: int | None) -> None:
        """It broke off. `pause_ms`: the engine wants to be left alone for so long."""
        if pause_ms is not None:
            self._allowances.asks_for_pause(self.link, pause_ms)
        if fault is Fault.UNREACHABLE:
            self.link.report_unreachable()
        elif fault is Fault.LIED:
            self.verdict = Verdict.LIED
        elif outcome is Outcome.ENGINE_TIMEOUT:
            # Whether anybody was answered since this one last was.
            is_mute = self.link.heard_s <= self._heard_s
            self.verdict = Verdict.MUTE if is_mute else Verdict.SILENT
        elif outcome is not Outcome.ANSWER_TOO_LARGE:
            self.verdict = Verdict.FAILED

"""One call's time at one engine, and what it says of the engine in the end."""

from evenhand.engines.circuit import Sent, Verdict
from evenhand.gateway.booking import Booking
from evenhand.gateway.counts.tally import Most
from evenhand.gateway.engine_allowances import EngineAllowances
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.identity import Identity
from evenhand.gateway.relay import Fault
from evenhand.ledger.gpu import GpuStay
from evenhand.model import Outcome, Usage
from evenhand.wire.answer_origin import AnswerOrigin
from evenhand.wire.completion import Completion


class EngineStay:
    """From the sending of a request to its end there. `verdict` is for the engine's circuit."""

    __slots__ = (
        *("_allowances", "_completion", "_gpu", "_has_answered", "_heard_s", "_most"),
        *("link", "sent", "verdict", "was_sent"),
    )

    def __init__(
        self, allowances: EngineAllowances, link: EngineLink, sent: Sent, now_s: float
    ) -> None:
        self.link = link
        self.sent = sent
        self.verdict = Verdict.NONE
        self._allowances = allowances
        self._heard_s = now_s
        self._has_answered = False
        self._gpu: GpuStay | None = None
        self._completion: Completion | None = None
        self._most: Most | None = None
        self.was_sent = True
        """It has reached the engine, as far as is known."""

    def origin(self, choices: int) -> AnswerOrigin | None:
        """What tells its answer from others; None where the engine's ids do not."""
        if not self.link.dialect.keeps_ids:
            return None
        sent = self.sent
        return AnswerOrigin(sent.id, sent.model, self.link.names, choices=choices)

    def begun(self, identity: Identity, completion: Completion, input_tokens: int) -> None:
        """It was sent; how long its prompt is taken to be."""
        link = self.link
        if link.control is not None:
            link.sent(self.sent.id, input_tokens if completion.is_stream else None)
        self._completion = completion
        if link.tally is not None:
            self._most = link.tally.began(completion, input_tokens)
        if link.gpu is not None:
            self._gpu = link.gpu.began(identity, completion, input_tokens)

    def produced(self, now_s: float, output_tokens: int) -> None:
        """So much output has come in all."""
        self.link.heard_s = self._heard_s = now_s
        gpu = self._gpu
        if gpu is not None:
            gpu.output_tokens = output_tokens
        if not self._has_answered:
            self._has_answered = True
            if gpu is not None and self.link.gpu is not None:
                self.link.gpu.answered(gpu)
            self.link.first_token(self.sent.id)
            self._allowances.answers(self.link, self.sent.id)

    def ended(self, usage: Usage | None, outcome: Outcome | None) -> None:
        """It is there no more. `usage` is what is charged for it, if anything is; `outcome` None: it is
        tried again elsewhere."""
        link = self.link
        completion = self._completion
        if completion is None:
            link.left(self.sent.id, None)
            return  # it failed before it could begin
        if outcome is Outcome.CANCELLED_RUNNING and usage is None:
            self.was_sent = False  # else its prompt would be charged
        if link.control is not None:
            came_whole = outcome is Outcome.COMPLETED and not completion.is_stream
            link.left(self.sent.id, usage.output_tokens if usage and came_whole else None)
        if link.tally is not None and self._most is not None:
            link.tally.ended(
                completion,
                self._most,
                usage,
                outcome,
                has_answered=self._has_answered,
                was_sent=self.was_sent,
            )
        if self._gpu is not None and link.gpu is not None:
            link.gpu.ended(self._gpu, usage)

    def bill(self, booking: Booking) -> None:
        """It has ended and was settled: what its GPU time costs follows, if that costs anything."""
        tell = booking.hears_gpu_time
        if tell is not None and self._gpu is not None and self.link.gpu is not None:
            self.link.gpu.bill(self._gpu, tell)

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

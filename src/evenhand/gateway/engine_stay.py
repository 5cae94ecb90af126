"""One call's time at one engine, and what it says of the engine in the end."""

from evenhand.engines.circuit import Sent, Verdict
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.relay import Fault
from evenhand.model import Outcome


class EngineStay:
    """From the sending of a request to its end there. `verdict` is for the engine's circuit."""

    __slots__ = ("_heard_s", "link", "sent", "verdict")

    def __init__(self, link: EngineLink, sent: Sent, now_s: float) -> None:
        self.link = link
        self.sent = sent
        self.verdict = Verdict.NONE
        self._heard_s = now_s

    def produced(self, now_s: float) -> None:
        """Output has come."""
        self.link.heard_s = self._heard_s = now_s

    def failed(self, outcome: Outcome, fault: Fault) -> None:
        """It broke off."""
        if fault is Fault.UNREACHABLE:
            self.link.report_unreachable()
        elif outcome is Outcome.ENGINE_TIMEOUT:
            # Whether anybody was answered since this one last was.
            is_mute = self.link.heard_s <= self._heard_s
            self.verdict = Verdict.MUTE if is_mute else Verdict.SILENT
        elif outcome is not Outcome.ANSWER_TOO_LARGE:
            self.verdict = Verdict.FAILED

"""One thing that was found out about an engine."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it stands. Only `WRONG` makes the command fail."""

    OK = "ok"
    NOTE = "note"
    MISSING = "missing"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """`says` is what was seen, `costs` what comes of it, `do` what to do about it; "" where there is
    nothing to say."""

    topic: str
    verdict: Verdict
    says: str
    costs: str = ""
    do: str = ""


@dataclass(frozen=True, slots=True)
class EngineFindings:
    """All that was found out about one engine."""

    name: str
    kind: str
    url: str
    findings: tuple[Finding, ...]

    @property
    def is_wrong(self) -> bool:
        """Whether it cannot serve as configured."""
        return any(finding.verdict is Verdict.WRONG for finding in self.findings)

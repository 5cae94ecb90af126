"""Whether the fair core runs inside an engine as well."""

from evenhand.cli.probe.finding import Finding, Verdict
from evenhand.cli.probe.subject import Subject
from evenhand.wire.dialect import EngineKind

_TOPIC = "plug-in"


def plug_in(subject: Subject) -> list[Finding]:
    """One finding for a kind of engine that can have it, else none."""
    if subject.kind != EngineKind.VLLM:
        return []
    says = "no page of vLLM tells which scheduler it runs: look at what it logged at its start"
    costs = "with it, a long prompt of one tenant no longer stalls the answers of the others"
    do = "start vLLM with --scheduler-cls evenhand.inengine.vllm.FairScheduler"
    return [Finding(_TOPIC, Verdict.NOTE, says, costs, do)]

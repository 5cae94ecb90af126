"""Whether the fair core runs inside an engine as well."""

from evenhand.cli.probe.finding import Finding, Verdict
from evenhand.cli.probe.subject import Subject
from evenhand.wire.dialect import EngineKind

_TOPIC = "plug-in"
_UNTOLD = "no page of vLLM tells which scheduler it runs: look at what it logged at its start"
_ANONYMOUS = "a plug-in that believes nothing unsealed serves everybody as one tenant, anonymous"


def plug_in(subject: Subject) -> list[Finding]:
    """One finding for a kind of engine that can have it, else none."""
    if subject.kind != EngineKind.VLLM:
        return []
    if not subject.tells_tenants:
        costs = "with it, a long prompt of one tenant no longer stalls the answers of the others"
        do = (
            "start vLLM with --scheduler-cls evenhand.inengine.vllm.FairScheduler, and say"
            " `fair_scheduler: true` here"
        )
        return [Finding(_TOPIC, Verdict.NOTE, _UNTOLD, costs, do)]
    if not subject.seals_hints:
        says = "it is told whose each request is, but without `hints_secret` nothing seals that"
        do = "give the engine here and the plug-in there one `hints_secret`"
        return [Finding(_TOPIC, Verdict.WARNING, says, _ANONYMOUS, do)]
    says = f"it is told whose each request is, sealed; {_UNTOLD}"
    do = "give the plug-in the same `hints_secret`; a request it does not believe is in its log"
    return [Finding(_TOPIC, Verdict.NOTE, says, "", do)]

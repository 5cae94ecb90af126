"""Whether tenants of several trust domains are kept from each other's prompts."""

from evenhand.cli.probe.finding import Finding, Verdict
from evenhand.cli.probe.subject import Subject
from evenhand.wire.dialect import DIALECTS, EngineKind

_TOPIC = "trust domains"
_LEAK = "a tenant can tell by time what others have asked"


def trust_domains(subject: Subject, *, apart: bool | None) -> list[Finding]:
    """`apart`: whether another salt was seen to find nothing in the cache; None: it was not seen."""
    dialect = DIALECTS[EngineKind(subject.kind)]
    several = subject.trust_domains > 1
    if dialect.cache_salt:
        return [_salted(apart=apart, several=several)]
    if dialect.cache_prompt:
        return [_unsalted(several=several)]
    return [_unknown(several=several)]


def _salted(*, apart: bool | None, several: bool) -> Finding:
    if apart is None:
        says = "each trust domain gets a cache_salt; whether the engine heeds it was not seen"
        return Finding(_TOPIC, Verdict.NOTE, says)
    if apart:
        return Finding(_TOPIC, Verdict.OK, "cache_salt is heeded: another salt found nothing")
    says = "cache_salt is ignored: another salt found the prompt in the cache"
    do = "update the engine, or switch its prefix cache off"
    return Finding(_TOPIC, Verdict.WRONG if several else Verdict.WARNING, says, _LEAK, do)


def _unsalted(*, several: bool) -> Finding:
    """llama.cpp."""
    if not several:
        says = "llama.cpp knows no cache salt; prompts are reused, as there is one trust domain"
        return Finding(_TOPIC, Verdict.NOTE, says)
    says = "llama.cpp knows no cache salt, and the keys are of several trust domains"
    costs = "prompt reuse is switched off here"
    do = "for reuse, give each trust domain an engine, and a model name, of its own"
    return Finding(_TOPIC, Verdict.NOTE, says, costs, do)


def _unknown(*, several: bool) -> Finding:
    says = "no cache salt is sent to an engine of this kind"
    if not several:
        return Finding(_TOPIC, Verdict.NOTE, f"{says}; there is one trust domain")
    do = "switch its prompt reuse off, or give each trust domain an engine of its own"
    return Finding(_TOPIC, Verdict.WARNING, says, f"if it reuses prompts, {_LEAK}", do)

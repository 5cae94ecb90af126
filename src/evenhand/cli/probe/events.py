"""Whether an engine publishes what its prefix cache holds, block by block."""

from evenhand.cli.probe.finding import Finding, Verdict
from evenhand.cli.probe.subject import Subject
from evenhand.wire.dialect import EngineKind

_TOPIC = "KV events"


async def kv_events(subject: Subject) -> Finding:
    """Where the engine says."""
    match subject.kind:
        case EngineKind.VLLM:
            sources = await subject.table("/kv_event_sources")
            told = bool(sources)
            do = "start vLLM with --kv-events-config"
        case EngineKind.SGLANG:
            info = await subject.table("/server_info", "/get_server_info")
            told = bool(info.get("kv_events") or info.get("kv_events_config"))
            do = "start SGLang with --kv-events-config"
        case _:
            return Finding(_TOPIC, Verdict.NOTE, f"none from an engine of kind {subject.kind}")
    if told and subject.follows_events:
        return Finding(_TOPIC, Verdict.OK, "published, and followed")
    guess = "what is cached is guessed from what was sent, and corrected by cached tokens"
    if told:
        return Finding(
            _TOPIC, Verdict.NOTE, "published, but not followed", guess, "add `kv_events`"
        )
    if subject.follows_events:
        says = "`kv_events` is configured, but the engine does not say that it publishes any"
        return Finding(_TOPIC, Verdict.WARNING, says, guess, do)
    return Finding(_TOPIC, Verdict.NOTE, "not published, or not told", guess, do)

"""Which signals of an engine can be read, what a missing one costs, and what switches it on."""

from typing import Final

from evenhand.cli.probe.finding import Finding, Verdict
from evenhand.cli.probe.subject import Subject
from evenhand.engines.signals import (
    SPELLINGS,
    NoPageError,
    NotOfferedError,
    Reading,
    reader_for,
)
from evenhand.wire.dialect import EngineKind

_COSTS: Final = {
    "running": "the gateway goes by what it has sent itself",
    "waiting": "a queue inside the engine, where no share helps, goes unseen",
    "kv_used_permille": "memory that fills up is seen only when requests slow down",
    "slots": "`window: auto` has to find out how many it computes at once",
    "preemptions": "requests that lose their memory and are computed again go unseen",
    "input_tokens": "no rate of cache hits, no sign of a restart from it",
    "cached_input_tokens": "no rate of cache hits",
    "output_tokens": "no sign of a restart from it",
    "block_tokens": "the grain of its prefix cache is taken as usual",
    "blocks": "how much its prefix cache holds is taken as usual",
}
_NEVER: Final = {
    EngineKind.VLLM: {"slots": "--max-num-seqs; no page tells it"},
    EngineKind.SGLANG: {"slots": "--max-running-requests; no page of metrics tells it"},
    EngineKind.LLAMACPP: {"kv_used_permille": "its slots are its capacity"},
    EngineKind.EMBEDDED: {"kv_used_permille": "its slots are its capacity"},
}
"""What a kind of engine never tells, and what stands for it."""
_SWITCHES: Final = {
    EngineKind.VLLM: "do not start vLLM with --disable-log-stats",
    EngineKind.SGLANG: "start SGLang with --enable-metrics; some names come with the first request",
    EngineKind.LLAMACPP: "start llama-server with --metrics and --slots",
    EngineKind.TRTLLM: (
        "start trtllm-serve with return_perf_metrics: true and enable_iter_perf_stats: true"
    ),
}


async def signals(subject: Subject) -> list[Finding]:
    """One finding for each signal, or one for all where there are none."""
    reader = reader_for(subject.kind)
    if reader is None:
        says = f"an engine of kind {subject.kind} is not asked what it does"
        costs = "the gateway goes by what it has sent there, and by how answers come"
        do = "if it is vLLM, SGLang, llama.cpp or TensorRT-LLM, write so in `kind`"
        return [Finding("signals", Verdict.NOTE, says, costs, do)]
    do = _SWITCHES.get(EngineKind(subject.kind), "")
    try:
        reading = await reader.read(subject.metrics_page)
    except NotOfferedError as error:
        costs = "the gateway goes by what it has sent there, and by how answers come"
        return [Finding("signals", Verdict.MISSING, str(error), costs)]
    except NoPageError as error:
        costs = "the gateway goes by what it has sent there, and by how answers come"
        return [Finding("signals", Verdict.MISSING, f"no answer from {error}", costs, do)]
    return _each(EngineKind(subject.kind), reading, do)


def _each(kind: EngineKind, reading: Reading, do: str) -> list[Finding]:
    findings = []
    never = _NEVER.get(kind, {})
    for field, costs in _COSTS.items():
        name = reading.found.get(field)
        topic = f"signal {field}"
        if name is not None:
            says = f"{getattr(reading.report, field)}, told as {name}"
            findings.append(Finding(topic, Verdict.OK, says))
        elif field in never:
            findings.append(Finding(topic, Verdict.NOTE, f"not told: {never[field]}", costs))
        else:
            findings.append(_missing(kind, field, do))
    return findings


def _missing(kind: EngineKind, field: str, do: str) -> Finding:
    topic, costs = f"signal {field}", _COSTS[field]
    names = dict.fromkeys(spelling.name for spelling in SPELLINGS[kind].get(field, ()))
    if not names:
        return Finding(topic, Verdict.NOTE, "no engine of this kind tells it", costs)
    says = f"not found under {' or '.join(names)}"
    return Finding(topic, Verdict.MISSING, says, costs, do)

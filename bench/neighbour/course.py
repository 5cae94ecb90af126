"""The whole run: engines are started for all repetitions, each repetition is every arm's turn."""

import json
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bench.load import BenchError
from bench.neighbour import reasoning, rounds
from bench.neighbour.arms import EMBEDDED, VLLM, Arm
from bench.neighbour.embedded import embedded
from bench.neighbour.engine import SLOTS, SkippedError
from bench.neighbour.options import Options
from bench.neighbour.report import rounded
from bench.neighbour.vllm_server import (
    BATCH_TOKENS,
    BY_PRIORITY,
    NO_PREFIX_CACHE,
    STOCK,
    plugged,
    servers,
)

Found = dict[str, Any]
"""`settings`; by engine `repetitions`, `reasoning`, and `skipped`: why it was not measured, or None."""
_KINDS = {
    "stock": STOCK,
    "priority": BY_PRIORITY,
    "plug-in": plugged(),
    "plug-in, paced": plugged(reasoning.PACE),
}


async def course(
    options: Options, tell: Callable[[str], None], keep: Callable[[Found], object]
) -> Found:
    """`keep` hears after each repetition what was found so far. Raises BenchError where something failed
    that should not."""
    lengths = rounds.Lengths(beside_s=options.seconds)
    settings = {
        "slots": SLOTS,
        "batch_tokens": BATCH_TOKENS,
        "alone_s": lengths.alone_s,
        "beside_s": lengths.beside_s,
        "mixed_s": lengths.mixed_s,
        "ramp_s": lengths.ramp_s,
        "reasoning_slots": reasoning.SLOTS,
    }
    found = _before(options, settings)
    runs = {"vllm": _vllm, "embedded": _embedded}
    for engine in options.engines:
        own = found.setdefault(engine, {"repetitions": [], "reasoning": [], "skipped": None})

        def add(part: str, repetition: dict[str, Any], own: Found = own) -> None:
            own[part].append(repetition)
            keep(found)

        try:
            await runs[engine](options, lengths, own, add, tell)
            own["skipped"] = None
        except SkippedError as reason:
            own["skipped"] = str(reason)
            tell(f"SKIPPED: {engine}: {reason}")
    return found


def _before(options: Options, settings: dict[str, Any]) -> Found:
    """What is added to."""
    if not options.is_added or options.json_file is None or not options.json_file.exists():
        return {"settings": settings}
    told: Found = json.loads(options.json_file.read_text())
    if told["settings"] != rounded(settings):
        raise BenchError(f"{options.json_file} was measured with other settings; leave --add away")
    return {name: told[name] for name in ("settings", "vllm", "embedded") if name in told}


async def _embedded(
    options: Options,
    lengths: rounds.Lengths,
    own: Found,
    add: Callable[[str, dict[str, Any]], None],
    tell: Callable[[str], None],
) -> None:
    arms = _chosen(EMBEDDED, options)
    if "neighbour" not in options.parts or not arms:
        return
    async with embedded() as engine:
        own["version"] = f"llama.cpp, {_version('xllamacpp')}"
        for _ in range(options.repetitions):
            seed = len(own["repetitions"])
            add(
                "repetitions",
                await rounds.repetition(
                    arms,
                    {"embedded": engine},
                    lengths,
                    seed=seed,
                    tell=_named(f"embedded {seed + 1}", tell),
                ),
            )


async def _vllm(
    options: Options,
    lengths: rounds.Lengths,
    own: Found,
    add: Callable[[str, dict[str, Any]], None],
    tell: Callable[[str], None],
) -> None:
    arms = _chosen(VLLM, options)
    if "neighbour" in options.parts and arms:
        names = [name for name in _KINDS if any(arm.engine == name for arm in arms)]
        tell(f"vLLM is started {len(names)} times")
        small_steps = ("--max-num-batched-tokens", str(BATCH_TOKENS))
        kinds = [(*NO_PREFIX_CACHE, *small_steps, *_KINDS[name]) for name in names]
        async with servers(kinds, slots=SLOTS) as up:
            own["version"] = f"vLLM {up[0].version}"
            engines = dict(zip(names, up, strict=True))
            for _ in range(options.repetitions):
                seed = len(own["repetitions"])
                told = _named(f"vLLM {seed + 1}", tell)
                add(
                    "repetitions",
                    await rounds.repetition(arms, engines, lengths, seed=seed, tell=told),
                )
    if "reasoning" in options.parts:
        names = [arm.engine for arm in reasoning.ARMS]
        tell(f"vLLM is started {len(names)} times")
        kinds = [(*NO_PREFIX_CACHE, *_KINDS[name]) for name in names]
        async with servers(kinds, slots=reasoning.SLOTS) as up:
            own["version"] = f"vLLM {up[0].version}"
            engines = dict(zip(names, up, strict=True))
            for _ in range(options.repetitions):
                seed = len(own["reasoning"])
                add(
                    "reasoning",
                    await reasoning.repetition(
                        engines, seed=seed, tell=_named(f"vLLM {seed + 1}", tell)
                    ),
                )


def _chosen(arms: tuple[Arm, ...], options: Options) -> list[Arm]:
    return [arm for arm in arms if options.arms is None or arm.name in options.arms]


def _named(name: str, tell: Callable[[str], None]) -> Callable[[str], None]:
    return lambda what: tell(f"{name}: {what}")


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package

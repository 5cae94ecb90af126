"""How much of the engines' memory each tenant's requests hold: an estimate.

No engine tells whose its memory is. The gateway knows the tokens of the prompts and answers that are at
engines. Where all engines tell the size of their cache, a tenant holds its tokens of that; where they
only tell how much is taken, it holds its part of that. Of prompts that share a prefix each counts whole.
"""

from collections.abc import Iterable, Mapping

from evenhand.model import TenantPath
from evenhand.telemetry.samples.promised import MILLION
from evenhand.telemetry.samples.sample import EngineSample
from evenhand.telemetry.samples.source import SeenEngine


def kv_shares(
    tokens: Mapping[TenantPath, int], engines: Iterable[SeenEngine], seen: Iterable[EngineSample]
) -> dict[TenantPath, int] | None:
    """Parts per million by tenant; None: no engine that is up tells anything of its memory."""
    size = _size(engines)
    if size:
        return {path: min(MILLION, held * MILLION // size) for path, held in tokens.items()}
    used = [engine.kv_used_permille for engine in seen if engine.up]
    told = [permille for permille in used if permille is not None]
    if not told:
        return None
    taken_ppm = sum(told) * 1000 // len(told)
    in_all = sum(tokens.values())
    return {path: held * taken_ppm // in_all for path, held in tokens.items() if in_all}


def _size(engines: Iterable[SeenEngine]) -> int:
    """Tokens of all caches that are up; 0: one of them does not tell."""
    size = 0
    for engine in engines:
        if engine.is_up:
            report = engine.report
            if report is None or not report.blocks or not report.block_tokens:
                return 0
            size += report.blocks * report.block_tokens
    return size

"""The gateway's own traffic as a trace that the simulator reads: one JSON object per answered request.

Moments, lengths, names of the configuration, and hashes: no text, no key. The members are those of
Mooncake's traces (`timestamp` in ms since the start, `input_length`, `output_length`, `hash_ids`), and
`tenant`, `weight`, `app`, `lane`, `interaction`, `call_index`, `calls_total`. Which tokens `hash_ids`
stand for is an estimate: text is cut by bytes, since the gateway has no tokenizer.

A request that ended without an answer has no line, for nobody knows how long its answer would have been;
embeddings have none either.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from evenhand.model import TenantPath, TrustDomain
from evenhand.telemetry.background_sink import BackgroundSink
from evenhand.telemetry.prefix_hashes import PrefixHashes
from evenhand.telemetry.record import RequestRecord
from evenhand.telemetry.rolling_file import RollingFile

BEGINNING = b'{"timestamp":'
"""Of every line."""

_BUFFER_BYTES_MAX = 16 << 20
_INTERACTIONS_MAX = 100_000
_LENGTH_BYTES = 4


class TrafficLog:
    """Writes from a thread of its own, in which prompts are hashed too; what does not fit its buffer or
    cannot be written is dropped and counted. Use from one thread; `close` at the end. `weights` are
    those of the nodes of a tenant's path. `start_s` is on the clock of `ended`."""

    def __init__(
        self,
        file: RollingFile,
        *,
        weights: Mapping[TenantPath, tuple[int, ...]],
        block_bytes: int,
        start_s: float,
        buffer_bytes_max: int = _BUFFER_BYTES_MAX,
    ) -> None:
        self._file = file
        self._weights = weights
        self._start_s = start_s
        self._hashes = PrefixHashes(block_bytes)
        # How many calls of an interaction there were. Bounded, the oldest go.
        self._calls: dict[str, int] = {}
        self._sink = BackgroundSink(self._write, buffer_bytes_max=buffer_bytes_max)

    @property
    def dropped_lines(self) -> int:
        """Requests that have no line because the buffer was full or the file could not be written."""
        return self._sink.dropped_lines

    def ended(
        self,
        record: RequestRecord,
        *,
        end_s: float,
        prompt: bytes,
        trust_domain: TrustDomain,
        is_of_interaction: bool,
        calls_declared: int | None,
    ) -> None:
        """A request has ended. `prompt` is the text by which prompts are compared; `is_of_interaction`:
        its client has named an interaction."""
        tenant = record["tenant"]
        if tenant is None or not record["input_tokens"] or not record["output_tokens"]:
            return
        asked_s = end_s - record["duration_ms"] / 1000 - self._start_s
        line: dict[str, Any] = {
            "timestamp": max(0, round(asked_s * 1000)),
            "input_length": record["input_tokens"],
            "output_length": record["output_tokens"],
            "tenant": "/".join(tenant),
            "app": record["application"],
            "lane": record["lane"],
            "domain": trust_domain,
        }
        weights = self._weights.get(tenant)
        if weights is not None:
            line["weight"] = weights[0] if len(weights) == 1 else weights
        if is_of_interaction:
            line["interaction"] = record["interaction"]
            line["calls_total"] = calls_declared
        known = orjson.dumps(line)
        sizes = (len(known), len(prompt))
        self._sink.put(b"".join((*map(_as_bytes, sizes), known, prompt)))

    def close(self, wait_ms: int = 1_000) -> bool:
        """Write out what is buffered, for at most `wait_ms`; False if the disk still blocks."""
        is_written = self._sink.close(wait_ms)
        if is_written:
            self._file.close()
        return is_written

    # In the thread of the sink.

    def _write(self, frames: bytes) -> None:
        self._file.write(b"".join(self._lines(frames)))

    def _lines(self, frames: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(frames):
            known_at = at + 2 * _LENGTH_BYTES
            prompt_at = known_at + _as_size(frames, at)
            end = prompt_at + _as_size(frames, at + _LENGTH_BYTES)
            line = orjson.loads(frames[known_at:prompt_at])
            yield self._line(line, frames[prompt_at:end])
            at = end

    def _line(self, line: dict[str, Any], prompt: bytes) -> bytes:
        line["hash_ids"] = self._hashes.names(line.pop("domain"), prompt, line["input_length"])
        interaction, declared = line.pop("interaction", None), line.pop("calls_total", None)
        if interaction is not None:
            line["interaction"] = name = self._hashes.name(line["tenant"], interaction)
            index = self._calls.pop(name, 0)
            self._calls[name] = index + 1
            if len(self._calls) > _INTERACTIONS_MAX:
                del self._calls[next(iter(self._calls))]
            line["call_index"] = index
            line["calls_total"] = max(declared or 0, index + 1)
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _as_bytes(size: int) -> bytes:
    return size.to_bytes(_LENGTH_BYTES)


def _as_size(frames: bytes, at: int) -> int:
    return int.from_bytes(frames[at : at + _LENGTH_BYTES])

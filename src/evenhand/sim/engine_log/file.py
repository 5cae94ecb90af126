"""A log as a file: JSON lines of vLLM's timestamps, or of Evenhand's gateway."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from evenhand.sim.engine_log import gateway, vllm
from evenhand.sim.engine_log.timestamps import Timestamps, in_order

Line = TypeVar("Line", bound=BaseModel)


class EngineLog(NamedTuple):
    """One engine's requests in order of arrival; `remarks` say what a comparison with them suffers
    from."""

    requests: list[Timestamps]
    remarks: list[str]


def read_log(file: Path, engine: str | None = None) -> EngineLog:
    """`engine` names one of those in a gateway's log. ValueError names the line and what is wrong with
    it, or says which engines there are."""
    try:
        with file.open(encoding="utf-8") as stream:
            return _taken(list(_objects(stream)), engine)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def _taken(lines: list[tuple[int, dict[str, Any]]], engine: str | None) -> EngineLog:
    if any("event" in line for _, line in lines):
        return _of_gateway([line for line in lines if gateway.is_request(line[1])], engine)
    if not lines:
        names = ", ".join(vllm.VllmLine.model_fields)
        raise ValueError(f"it holds no request; each line is an object with {names}")
    requests = vllm.timestamps([_valid(vllm.VllmLine, *line) for line in lines])
    return EngineLog(in_order(requests), [])


def _of_gateway(lines: list[tuple[int, dict[str, Any]]], engine: str | None) -> EngineLog:
    left_out: Counter[str] = Counter()
    by_engine: dict[str | None, list[gateway.GatewayLine]] = {}
    for line in lines:
        request = _valid(gateway.GatewayLine, *line)
        reason = gateway.why_left_out(request)
        if reason is None:
            by_engine.setdefault(request.engine, []).append(request)
        else:
            left_out[reason] += 1
    if engine is None and len(by_engine) == 1:
        (engine,) = by_engine
    if engine not in by_engine:
        known = ", ".join(map(str, by_engine)) or "none"
        raise ValueError(f"say which engine's requests to take; there are those of: {known}")
    taken = by_engine[engine]
    remarks = [f"{count} requests {reason}: left out" for reason, count in left_out.items()]
    cached = sum(request.cached_input_tokens for request in taken)
    if cached:
        share = cached / sum(request.input_tokens for request in taken)
        remarks.append(f"{share:.0%} of the input was cached, and is computed in the replay")
    epoch = min(request.time for request in taken)
    return EngineLog(in_order([gateway.timestamps(each, epoch) for each in taken]), remarks)


def _objects(stream: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """With the number of the line."""
    for number, text in enumerate(stream, 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if not isinstance(line, dict):
            raise ValueError(f"line {number} is no JSON object")  # noqa: TRY004 - of the file
        yield number, line


def _valid(kind: type[Line], number: int, line: dict[str, Any]) -> Line:
    try:
        return kind.model_validate(line)
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(map(str, fault["loc"]))
        raise ValueError(f"line {number}: {field}{': ' * bool(field)}{fault['msg']}") from None

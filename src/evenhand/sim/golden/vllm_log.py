"""Timestamps of requests that a vLLM engine served, one JSON object a line."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from evenhand.workloads.ask import Ask

TENANT = ("log",)


class _Line(BaseModel):
    """Times in seconds; `arrival_time` by the clock of the clients, the others by the engine's."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    request_id: str | int = ""
    input_toks: int = Field(ge=1)
    output_toks: int = Field(ge=1)
    arrival_time: FiniteFloat | None = None
    queued_ts: FiniteFloat | None = None
    scheduled_ts: FiniteFloat | None = None
    first_token_ts: FiniteFloat
    last_token_ts: FiniteFloat

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.arrival_time is None and self.queued_ts is None:
            raise ValueError("it has neither arrival_time nor queued_ts")
        times = (self.queued_ts, self.scheduled_ts, self.first_token_ts, self.last_token_ts)
        known = [at_s for at_s in times if at_s is not None]
        if known != sorted(known):
            raise ValueError("its times are not in the order queued, scheduled, first, last token")
        return self


class Timestamps(NamedTuple):
    """Of one request, in milliseconds since the first of its log arrived. `scheduled_ms` is when the
    engine took it out of its queue, None if the log does not say."""

    request_id: str
    input_tokens: int
    output_tokens: int
    arrived_ms: float
    scheduled_ms: float | None
    first_token_ms: float
    ended_ms: float


def read_vllm_log(file: Path) -> list[Timestamps]:
    """All requests in order of arrival. ValueError names the line and what is wrong with it.

    Where a log has both `arrival_time` and `queued_ts` their clocks may differ: by as much, it is
    assumed, as the request took that was queued soonest.
    """
    lines = []
    with file.open(encoding="utf-8") as stream:
        for number, text in enumerate(stream, 1):
            if text.strip():
                lines.append(_line(text, f"{file}, line {number}"))
    if not lines:
        raise ValueError(f"{file} holds no request; each line is an object with {_names()}")
    for name in ("arrival_time", "queued_ts"):
        if len({getattr(line, name) is None for line in lines}) > 1:
            raise ValueError(f"{file}: some requests have {name} and others do not")
    return sorted(_on_one_clock(lines), key=lambda each: each.arrived_ms)


def as_asks(log: Sequence[Timestamps]) -> list[Ask]:
    """What was asked, when it arrived; the ids are positions in the log."""
    return [
        Ask(
            id=index,
            at_ms=each.arrived_ms,
            tenant=TENANT,
            input_tokens=each.input_tokens,
            output_tokens=each.output_tokens,
        )
        for index, each in enumerate(log)
    ]


def _line(text: str, where: str) -> _Line:
    try:
        return _Line.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(map(str, fault["loc"]))
        raise ValueError(f"{where}: {field + ': ' if field else ''}{fault['msg']}") from None


def _names() -> str:
    return ", ".join(_Line.model_fields)


def _on_one_clock(lines: Sequence[_Line]) -> list[Timestamps]:
    first = lines[0]
    between_s = 0.0
    if first.arrival_time is not None and first.queued_ts is not None:
        between_s = min((line.queued_ts or 0) - (line.arrival_time or 0) for line in lines)
    arrived_s = [
        line.queued_ts or 0 if line.arrival_time is None else line.arrival_time + between_s
        for line in lines
    ]
    start_s = min(arrived_s)

    def since_start_ms(at_s: float) -> float:
        return 1000 * (at_s - start_s)

    return [
        Timestamps(
            request_id=str(line.request_id or number),
            input_tokens=line.input_toks,
            output_tokens=line.output_toks,
            arrived_ms=since_start_ms(at_s),
            scheduled_ms=None if line.scheduled_ts is None else since_start_ms(line.scheduled_ts),
            first_token_ms=since_start_ms(line.first_token_ts),
            ended_ms=since_start_ms(line.last_token_ts),
        )
        for number, (line, at_s) in enumerate(zip(lines, arrived_s, strict=True))
    ]

"""What a scripted engine answers: the script, and the bytes it turns into."""

import json
import struct
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from support.scripted_apis import (
    ScriptedMessage,
    ScriptedResponse,
    messages_usage,
    responses_usage,
    text_of,
)


class Usage(StrEnum):
    """How truthfully an answer reports its tokens, where the request asks for a report."""

    HONEST = "honest"
    ABSENT = "absent"  # never reported, whatever was asked
    EARLY = "early"  # the final report comes first, later ones are honest
    DECREASING = "decreasing"  # counts down instead of up
    NEGATIVE = "negative"
    PARTIAL = "partial"  # an object without completion_tokens


class Framing(StrEnum):
    """How the answer says where it ends."""

    CHUNKED = "chunked"
    LENGTH = "length"
    CLOSE = "close"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The script of one answer. The defaults are a healthy vLLM-like engine."""

    # The tokens.
    tokens: int = 4
    """Produced per choice, unless the request's max_tokens is less."""
    prompt_tokens: int | None = None
    """None counts the words of the prompt."""
    cached_tokens: int | None = None
    """Reported in prompt_tokens_details; None leaves the details out."""
    reasoning_tokens: int | None = None
    """The same, in completion_tokens_details."""
    tool: str | None = None
    """Calls this tool instead of saying words, in `/v1/responses` and `/v1/messages`."""
    usage: Usage = Usage.HONEST
    continuous_usage: bool = True
    """False is an engine that does not know continuous_usage_stats."""

    # The pace.
    gated: bool = False
    """Each token waits for `EngineRequest.step()`."""
    token_delay_s: float = 0.0
    hang_before_head: bool = False
    hang_after_tokens: int | None = None
    """Silence for ever once so many were produced (0: after the head)."""

    # The failure.
    status: int = 200
    """Anything but 200 is an OpenAI error body."""
    error_message: str = "scripted failure"
    cut_after_bytes: int | None = None
    """Kill the connection after so many bytes of the answer, head included."""
    cut_after_tokens: int | None = None
    reset: bool = True
    """A cut is a TCP reset; False is an orderly close."""

    # The wire.
    framing: Framing = Framing.CHUNKED
    """Of streams and of `sse`; other answers have a length unless this is CLOSE."""
    headers: tuple[tuple[str, str], ...] = ()
    """Sent as well."""
    closes_after: bool = False
    """Close after the answer although its head promised to keep the connection."""
    says_close: bool = False
    """Announce the close in the head, and close."""
    sse: bytes | None = None
    """This body, word for word, as a stream. It counts as no tokens."""
    raw: bytes | None = None
    """These bytes, head and all, word for word."""
    bytes_per_write: int | None = None
    """Cut the answer into writes of this size (1: every byte on its own)."""


@dataclass(frozen=True)
class Piece:
    """Bytes to write, after producing so many tokens."""

    data: bytes
    tokens: int = 0


def pieces(answer: Answer, path: str, body: Mapping[str, Any], serial: int) -> Iterator[Piece]:
    """Turn a script and the request that it answers into writes, in order."""
    if answer.raw is not None:
        yield Piece(answer.raw)
    elif answer.status != 200:
        error = {"message": answer.error_message, "type": "scripted_error", "code": answer.status}
        yield from _whole(answer, _json({"error": error}))
    elif answer.sse is not None:
        yield from _stream(answer, [Piece(answer.sse)])
    elif path.endswith("/embeddings"):
        yield from _whole(answer, _json(_embeddings(answer, body)))
    elif path.endswith("/count_tokens"):
        yield from _whole(answer, _json({"input_tokens": len(text_of(body).split())}))
    elif path.endswith(("/responses", "/messages")):
        yield from _one_answer(answer, path, body, serial)
    elif body.get("stream"):
        events = _Completion(answer, path, body, serial).events()
        yield from _stream(answer, list(events))
    else:
        completion = _Completion(answer, path, body, serial)
        yield from (Piece(b"", completion.choices) for _ in range(completion.tokens))
        yield from _whole(answer, _json(completion.whole()))


def _one_answer(answer: Answer, path: str, body: Mapping[str, Any], serial: int) -> Iterator[Piece]:
    """An answer of `/v1/responses` or `/v1/messages`."""
    of_responses = path.endswith("/responses")
    limit = body.get("max_output_tokens" if of_responses else "max_tokens") or answer.tokens
    tokens = min(answer.tokens, limit)
    words = [_word(index) for index in range(tokens)]
    if answer.tool:
        words = ['{"a":"', *words[2:], '"}'] if tokens > 1 else ["{}"]
    prompt = answer.prompt_tokens
    if prompt is None:
        prompt = len(text_of(body).split())
    count = responses_usage if of_responses else messages_usage
    absent = answer.usage is Usage.ABSENT
    usage = {} if absent else count(prompt, answer.cached_tokens, tokens)
    make = ScriptedResponse if of_responses else ScriptedMessage
    said = make(serial, body.get("model"), words, usage, answer.tool)
    if body.get("stream"):
        events = [
            Piece(f"event: {event['type']}\n".encode() + _sse(event).data, produced)
            for event, produced in said.events()
        ]
        yield from _stream(answer, events)
    else:
        yield from (Piece(b"", 1) for _ in range(tokens))
        yield from _whole(answer, _json(said.whole()))


def _embeddings(answer: Answer, body: Mapping[str, Any]) -> dict[str, Any]:
    """One vector per input, all alike: `dimensions` of them if asked, else four."""
    inputs = body["input"]
    one = not isinstance(inputs, list) or isinstance(inputs[0], int)
    vector: Any = [0.5] * int(body.get("dimensions") or 4)
    if body.get("encoding_format") == "base64":
        vector = b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index in range(1 if one else len(inputs))
    ]
    whole = {"object": "list", "model": body["model"], "data": data}
    if answer.usage is Usage.ABSENT:
        return whole
    tokens = prompt_tokens(body) if answer.prompt_tokens is None else answer.prompt_tokens
    usage: dict[str, Any] = {"prompt_tokens": tokens, "total_tokens": tokens}
    if answer.cached_tokens is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": answer.cached_tokens}
    return {**whole, "usage": usage}


class _Completion:
    """Builds the JSON of one completion, chat or text."""

    def __init__(self, answer: Answer, path: str, body: Mapping[str, Any], serial: int) -> None:
        self.answer = answer
        self.chat = path.endswith("/chat/completions")
        self.choices = int(body.get("n") or 1)
        limit = body.get("max_completion_tokens") or body.get("max_tokens") or answer.tokens
        self.tokens = min(answer.tokens, limit)
        self.finish = "length" if self.tokens < answer.tokens else "stop"
        self.prompt_tokens = answer.prompt_tokens
        if self.prompt_tokens is None:
            self.prompt_tokens = prompt_tokens(body)
        options = body.get("stream_options") or {}
        self.include_usage = bool(options.get("include_usage"))
        self.continuous = bool(
            options.get("continuous_usage_stats") and self.include_usage and answer.continuous_usage
        )
        name = ("chatcmpl" if self.chat else "cmpl") + f"-{serial:08d}"
        self.same = {"id": name, "created": 1_700_000_000, "model": body.get("model")}

    def whole(self) -> dict[str, Any]:
        text = "".join(_word(i) for i in range(self.tokens))
        said = {"message": {"role": "assistant", "content": text}} if self.chat else {"text": text}
        choices = [{"index": i, **said, "finish_reason": self.finish} for i in range(self.choices)]
        kind = "chat.completion" if self.chat else "text_completion"
        return {**self.same, "object": kind, "choices": choices, **self._usage(self.tokens)}

    def events(self) -> Iterator[Piece]:
        """Yield one SSE event per choice and token, as vLLM does, then the end of each choice."""
        if self.chat:
            for index in range(self.choices):
                yield self._event(index, {"role": "assistant", "content": ""}, "", 0)
        for token in range(self.tokens):
            for index in range(self.choices):
                text = _word(token)
                yield self._event(index, {"content": text}, text, token + 1, tokens=1)
        for index in range(self.choices):
            yield self._event(index, {}, "", self.tokens, finish=self.finish)
        if self.include_usage and (usage := self._usage(self.tokens)):
            yield _sse({**self.same, "object": self._kind(), "choices": [], **usage})
        yield Piece(b"data: [DONE]\n\n")

    def _kind(self) -> str:
        return "chat.completion.chunk" if self.chat else "text_completion"

    def _event(
        self,
        index: int,
        delta: dict[str, str],
        text: str,
        produced: int,
        *,
        tokens: int = 0,
        finish: str | None = None,
    ) -> Piece:
        said: dict[str, Any] = {"delta": delta} if self.chat else {"text": text}
        choice = {"index": index, **said, "finish_reason": finish}
        usage = self._usage(produced) if self.continuous else {}
        return _sse({**self.same, "object": self._kind(), "choices": [choice], **usage}, tokens)

    def _usage(self, produced: int) -> dict[str, Any]:
        kind = self.answer.usage
        if kind is Usage.ABSENT:
            return {}
        if kind is Usage.EARLY and produced <= 1:
            produced = self.tokens
        elif kind is Usage.DECREASING:
            produced = self.tokens - produced
        elif kind is Usage.NEGATIVE:
            produced = -1 - produced
        completion = produced * self.choices
        usage: dict[str, Any] = {"prompt_tokens": self.prompt_tokens}
        if kind is not Usage.PARTIAL:
            usage["completion_tokens"] = completion
            usage["total_tokens"] = (self.prompt_tokens or 0) + completion
        if self.answer.cached_tokens is not None:
            usage["prompt_tokens_details"] = {"cached_tokens": self.answer.cached_tokens}
        if self.answer.reasoning_tokens is not None:
            reasoned = min(self.answer.reasoning_tokens, completion or 0)
            usage["completion_tokens_details"] = {"reasoning_tokens": reasoned}
        return {"usage": usage}


def _stream(answer: Answer, events: list[Piece]) -> Iterator[Piece]:
    chunked = answer.framing is Framing.CHUNKED
    body_bytes = sum(len(event.data) for event in events)
    yield Piece(_head(answer, "text/event-stream; charset=utf-8", answer.framing, body_bytes))
    for event in events:
        data = b"%x\r\n%b\r\n" % (len(event.data), event.data) if chunked else event.data
        yield Piece(data, event.tokens)
    if chunked:
        yield Piece(b"0\r\n\r\n")


def _whole(answer: Answer, body: bytes) -> Iterator[Piece]:
    close = answer.framing is Framing.CLOSE
    framing = Framing.CLOSE if close else Framing.LENGTH
    yield Piece(_head(answer, "application/json", framing, len(body)) + body)


def _head(answer: Answer, content_type: str, framing: Framing, body_bytes: int) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} Scripted", f"content-type: {content_type}"]
    if framing is Framing.CHUNKED:
        lines.append("transfer-encoding: chunked")
    elif framing is Framing.LENGTH:
        lines.append(f"content-length: {body_bytes}")
    if answer.says_close:
        lines.append("connection: close")
    elif answer.closes_after:
        lines.append("keep-alive: timeout=5, max=100")
    lines += [f"{name}: {value}" for name, value in answer.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _word(index: int) -> str:
    return f"w{index} "


def prompt_tokens(body: Mapping[str, Any]) -> int:
    """Words of what is asked."""
    said = [str(message.get("content")) for message in body.get("messages") or ()]
    prompts = body.get("input", body.get("prompt")) or ""
    said += [str(prompt) for prompt in prompts] if isinstance(prompts, list) else [str(prompts)]
    return sum(len(text.split()) for text in said)


def _sse(event: dict[str, Any], tokens: int = 0) -> Piece:
    return Piece(b"data: " + _json(event) + b"\n\n", tokens)


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()

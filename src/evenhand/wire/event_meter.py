"""Counts the tokens of a streamed answer whose events say what they are: `/v1/responses` and
`/v1/messages`.

An event with new text counts as a token, which is an estimate, until the engine reports: of responses
at the end, of messages the prompt at the beginning and the output at the end. Nothing is cut out: usage
is part of what these clients expect. Only events that carry usage are parsed.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from evenhand.model import Usage
from evenhand.wire.sse import DONE, payload
from evenhand.wire.usage import UsageReport
from evenhand.wire.usage_report import messages_usage, responses_usage

_NAMED: Final = re.compile(rb"\Aevent: ?([a-z_.]+)\r?\n")
_TYPED: Final = re.compile(rb'\A\s*\{\s*"type"\s*:\s*"([a-z_.]+)"')
_ERROR: Final = re.compile(rb'\A\s*\{\s*"error"\s*:')
_NO_TEXT: Final = re.compile(
    rb'"(?:delta|text|thinking|partial_json)"\s*:\s*""|"type"\s*:\s*"(?:signature|citations)_delta"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWords:
    """What the events of one API are called. `alike` is how the most frequent event begins; kinds that
    end with `text` carry new text; those in `usage` carry usage, under these members, and in some it is
    `final`; some end an answer, and some tell of a failure. `read` makes sense of usage; it is told the
    input that was reported before."""

    alike: bytes
    text: bytes
    usage: Mapping[bytes, tuple[str, ...]]
    final: frozenset[bytes]
    ends: frozenset[bytes]
    fails: frozenset[bytes]
    read: Callable[[object, int | None], UsageReport | None]


RESPONSES: Final = EventWords(
    alike=b"event: response.output_text.delta\n",
    text=b".delta",
    usage=dict.fromkeys((b"response.completed", b"response.incomplete"), ("response", "usage")),
    final=frozenset({b"response.completed", b"response.incomplete"}),
    ends=frozenset({b"response.completed", b"response.incomplete"}),
    fails=frozenset({b"response.failed", b"error"}),
    read=lambda value, _: responses_usage(value),
)
MESSAGES: Final = EventWords(
    alike=b"event: content_block_delta\n",
    text=b"content_block_delta",
    usage={b"message_start": ("message", "usage"), b"message_delta": ("usage",)},
    final=frozenset({b"message_delta"}),
    ends=frozenset({b"message_stop"}),
    fails=frozenset({b"error"}),
    read=lambda value, before: messages_usage(value, input_before=before),
)


class EventMeter:
    """See `Meter`."""

    ends_marked = True

    def __init__(self, words: EventWords) -> None:
        self._words = words
        self._counted = 0
        self._reported: UsageReport | None = None
        self._is_final = False
        self._is_trusted = True
        self.prompt: tuple[int, int | None] | None = None
        self.output_tokens = 0
        self.answer_id: str | None = None
        self.is_done = False
        self.error_seen = False

    @property
    def has_content(self) -> bool:
        """Whether any output token has come."""
        return self.output_tokens > 0

    def usage(self, *, input_tokens_estimate: int) -> Usage:
        """What to settle: the engine's figures where they make sense, else our own, marked."""
        report = self._reported
        if report is None:
            return Usage(input_tokens_estimate, self.output_tokens, is_estimate=True)
        said = report.usage
        is_exact = self._is_trusted and self._is_final and said.output_tokens >= self._counted
        return Usage(
            said.input_tokens,
            self.output_tokens,
            said.cached_input_tokens,
            is_estimate=not is_exact,
            reasoning_tokens=said.reasoning_tokens,
        )

    def take_alike(self, data: bytes) -> bytes | None:
        """The same as `take`, if the bytes are one event with new text; None: they are not."""
        if not data.startswith(self._words.alike) or self.is_done or self.error_seen:
            return None
        if data.find(b"\n\n") != len(data) - 2 or b"\r" in data or _NO_TEXT.search(data):
            return None
        self._count()
        return data

    def take(self, event: bytes) -> bytes | None:
        """Account for one event and return what the client gets of it; None: nothing."""
        data = payload(event)
        if data is None:
            return event
        if data == DONE:
            return None  # some engines add it; no client of these APIs waits for it
        kind, words = _kind(event, data), self._words
        if _ERROR.match(data) or kind in words.fails:
            self.error_seen = True
        elif kind in words.usage:
            self._hear(kind, _loads(data))
        elif kind.endswith(words.text) and _NO_TEXT.search(data) is None:
            self._count()
        self.is_done = self.is_done or kind in words.ends
        return event

    def _count(self) -> None:
        self._counted += 1
        self.output_tokens = max(self.output_tokens, self._counted)

    def _hear(self, kind: bytes, document: dict[str, Any]) -> None:
        """An event that carries usage, or could."""
        value: object = document
        for name in self._words.usage[kind]:
            value = value.get(name) if isinstance(value, dict) else None
        is_final = kind in self._words.final
        if kind in self._words.ends:
            response = document.get("response")
            answer_id = response.get("id") if isinstance(response, dict) else None
            self.answer_id = answer_id if isinstance(answer_id, str) else None
        if not is_final and isinstance(value, dict) and not value.get("input_tokens"):
            return  # vLLM writes noughts where it does not know yet
        if value is not None:
            before = None if self._reported is None else self._reported.usage.input_tokens
            self._note(self._words.read(value, before), is_final=is_final)

    def _note(self, report: UsageReport | None, *, is_final: bool) -> None:
        """Take in the engine's figures; None: they make no sense."""
        before = self._reported
        if report is None or (before and report.usage.output_tokens < before.usage.output_tokens):
            self._is_trusted = False
            return
        if report.cached is None and before and before.usage.input_tokens == report.prompt[0]:
            said, cached = report.usage, before.usage.cached_input_tokens
            report = UsageReport(replace(said, cached_input_tokens=cached), before.cached)
        self._reported = report
        self._is_final = is_final
        self.output_tokens = max(self.output_tokens, report.usage.output_tokens)
        if self.prompt != report.prompt:
            self.prompt = report.prompt


def _kind(event: bytes, data: bytes) -> bytes:
    """What it says that it is; empty: nothing."""
    found = _NAMED.match(event) or _TYPED.match(data)
    if found is not None:
        return found[1]
    kind = _loads(data).get("type")
    return kind.encode("utf-8", "replace") if isinstance(kind, str) else b""


def _loads(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return {}  # malformed JSON from an engine: passed on as it is, it says nothing
    return document if isinstance(document, dict) else {}

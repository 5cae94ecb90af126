"""Counts the tokens of a streamed answer event by event, and keeps from the client what it did not
ask for.

Most events differ from the one before them in a word and a number: their beginning is compared, and
only the rest is looked at. No event is parsed as JSON but those that carry usage in an unusual place or
form; the others are searched. Three sources, best first: usage on each chunk (vLLM and SGLang on
request), usage in the last chunk, and our own count of chunks with content, which is an estimate.
"""

import json
import re

from evenhand.model import Usage
from evenhand.wire.sse import DONE, payload
from evenhand.wire.sse import event as sse_event
from evenhand.wire.usage import cached_tokens_reported, usage_from

# In valid JSON the quote after the comma cannot close a string (`u` could not follow), so this is a
# member called usage; the single brace before the end makes it the last of the outermost object.
_USAGE_LAST = re.compile(
    rb',\s*"usage"\s*:\s*(null|\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})\s*\}\s*$', re.DOTALL
)
# The same as vLLM and SGLang write it on each chunk, with what follows to the event's end. At most eight
# digits: a greater figure is judged with the others that make no sense.
_COUNT = rb"(?:0|[1-9][0-9]{0,7})"
_PLAIN_USAGE = (
    rb',("usage":\{"prompt_tokens":('
    + _COUNT
    + rb'),"total_tokens":'
    + _COUNT
    + rb',"completion_tokens":('
    + _COUNT
    + rb')(?:,"prompt_tokens_details":null)?(?:,"reasoning_tokens":('
    + _COUNT
    + rb"))?\})\}\n\n\Z"
)
_ENDS_PLAIN = re.compile(_PLAIN_USAGE)
# What follows the opening quote of a text that is not empty, up to the first LF. Its parts are such that
# the engine of `re` has a fast way for each: to exclude one byte, and to go back to a comma.
_GOES_ON_PLAIN = re.compile(rb'[^"\n][^\n]*' + _PLAIN_USAGE)
_CONTENT = re.compile(
    rb'"(?:content|text|reasoning_content|reasoning|refusal|arguments)"\s*:\s*"[^"]'
)
_NO_LEAD = b"\r"
"""Stands for none: what has a CR in it is never like anything."""

_QUOTE = ord('"')
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_ERROR = re.compile(rb'^\s*\{\s*"error"\s*:')


class StreamMeter:
    """One streamed answer of the API for completions. See `Meter`.

    `client_wants_usage`: the client asked for the last chunk's usage itself. `client_wants_each`: it
    asked for usage on each chunk. `asked_for_more`: we asked the engine for usage that the client did
    not ask for, so it is cut out.
    """

    ends_marked = False
    answer_id: str | None = None

    def __init__(
        self, *, client_wants_usage: bool, client_wants_each: bool, asked_for_more: bool
    ) -> None:
        self._client_wants_usage = client_wants_usage
        self._cuts_each = asked_for_more and not client_wants_each
        self._counted = 0
        self._has_report = False
        self._input_tokens = 0
        self._cached_input_tokens = 0
        self._reasoning_tokens = 0
        self._reported = 0
        self._is_trusted = True
        self._final_seen = False
        self._last_had_usage = False
        # What the last event has before its text, if its usage is plain and has been noted.
        self._lead = _NO_LEAD
        self._alike: re.Match[bytes] | None = None
        self.prompt: tuple[int, int | None] | None = None
        self.output_tokens = 0
        self.is_done = False
        """`[DONE]` was seen."""
        self.error_seen = False

    @property
    def has_content(self) -> bool:
        """Whether any output token has come."""
        return self.output_tokens > 0

    def usage(self, *, input_tokens_estimate: int) -> Usage:
        """What to settle: the engine's figures where they make sense, else our own, marked."""
        if not self._has_report:
            return Usage(input_tokens_estimate, self.output_tokens, is_estimate=True)
        is_exact = self._is_trusted and self._final_seen and self._reported >= self._counted
        alike = self._alike
        reasoned = self._reasoning_tokens if alike is None else int(alike[4] or 0)
        return Usage(
            self._input_tokens if alike is None else int(alike[2]),
            self.output_tokens,
            self._cached_input_tokens,
            is_estimate=not is_exact,
            reasoning_tokens=min(reasoned, self.output_tokens),
        )

    def take_alike(self, data: bytes) -> bytes | None:
        """The same as `take`, if the bytes are one event that is like the last one but for text and
        usage; None: they are not, and nothing is done about them."""
        lead = self._lead
        if not data.startswith(lead):
            return None
        found = _GOES_ON_PLAIN.match(data, len(lead))
        if found is None or b"\r" in data:
            return None
        tokens = int(found[3])
        if tokens <= self.output_tokens:
            return None
        # A report that has grown by one at least is never behind our own count.
        self._counted += 1
        self._reported = self.output_tokens = tokens
        self._alike = found
        return data[: found.start(1) - 1] + b"}\n\n" if self._cuts_each else data

    def take(self, event: bytes) -> bytes | None:
        """Account for one event and return what the client gets of it; None: nothing."""
        self._lead = _NO_LEAD
        if event.startswith(b'data: {"id":') and event.find(b"\n") == len(event) - 2:
            found = _ENDS_PLAIN.match(event, event.rfind(b',"usage":{'))
            if found is not None and b'"choices":[{' in event:
                return self._plain(event, found)
        data = payload(event)
        if data is None:
            return event
        if data == DONE:
            self.is_done = True
            # llama.cpp gives the usage of a text completion in the last chunk with text.
            self._final_seen = self._final_seen or self._last_had_usage
            return event
        if _ERROR.match(data):
            self.error_seen = True
            return event
        if _CONTENT.search(data):
            self._count()
        self._last_had_usage = False
        return self._with_usage(event, data) if b'"usage"' in data else event

    def _plain(self, event: bytes, found: re.Match[bytes]) -> bytes:
        """A chunk of a choice with plain usage at its end: nearly all that vLLM and SGLang send."""
        at = found.start()
        text = event.find(b'"content":"') + 11
        if text < 11 or event[text] == _QUOTE:
            content = _CONTENT.search(event, 0, at)
            text = 0 if content is None else content.end() - 1
        if text:
            self._count()
        self._last_had_usage = False
        lead, reasoned = event[:text], int(found[4] or 0)
        is_noted = self._note(int(found[2]), int(found[3]), 0, reasoned)
        is_over = self.is_done or self.error_seen
        # Whose it is stands in front too, so that it need not be looked at again.
        has_all = b'"model":' in lead and b'"choices":[{' in lead
        if is_noted and not is_over and has_all and b"\r" not in lead:
            self._lead = lead
        return event[:at] + b"}\n\n" if self._cuts_each else event

    def _with_usage(self, event: bytes, data: bytes) -> bytes | None:
        is_final = _NO_CHOICES.search(data) is not None
        found = _USAGE_LAST.search(data)
        if found is None:
            return self._with_usage_inside(event, data, is_final=is_final)
        self._report(_loads(found[1]), is_final=is_final)
        if not self._is_cut(is_final=is_final):
            return event
        if is_final:
            return None
        # Of several data lines it becomes one: between members a line's end is space.
        return sse_event(data[: found.start()].replace(b"\n", b" ") + b"}")

    def _with_usage_inside(self, event: bytes, data: bytes, *, is_final: bool) -> bytes | None:
        """Usage that is not the last member (or mere text about usage): parse to be sure."""
        chunk = _loads(data)
        if not isinstance(chunk, dict) or "usage" not in chunk:
            return event
        self._report(chunk.pop("usage"), is_final=is_final)
        if not self._is_cut(is_final=is_final):
            return event
        return (
            None
            if is_final
            else sse_event(json.dumps(chunk, ensure_ascii=False, separators=(",", ":")).encode())
        )

    def _is_cut(self, *, is_final: bool) -> bool:
        return self._cuts_each and not (is_final and self._client_wants_usage)

    def _report(self, value: object, *, is_final: bool) -> None:
        if value is None:
            return
        usage = usage_from(value)
        if usage is None:
            self._is_trusted = False
            return
        if self._note(
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_input_tokens,
            usage.reasoning_tokens,
        ):
            self._final_seen = self._final_seen or is_final
            cached = cached_tokens_reported(value)
            if cached is not None and cached <= usage.input_tokens:
                self._learn_prompt(usage.input_tokens, cached)

    def _note(
        self,
        input_tokens: int,
        output_tokens: int,
        cached_input_tokens: int,
        reasoning_tokens: int,
    ) -> bool:
        """Take in the engine's figures; False: they shrank, so it is not to be trusted."""
        if output_tokens < self._reported:
            self._is_trusted = False
            return False
        if self.prompt is None or self.prompt[0] != input_tokens:
            self._learn_prompt(input_tokens, None)
        self._has_report = self._last_had_usage = True
        self._input_tokens = input_tokens
        self._alike = None
        self._cached_input_tokens = cached_input_tokens
        self._reasoning_tokens = reasoning_tokens
        self._reported = output_tokens
        self.output_tokens = max(self.output_tokens, output_tokens)
        return True

    def _learn_prompt(self, input_tokens: int, cached_tokens: int | None) -> None:
        if self.prompt != (input_tokens, cached_tokens):
            self.prompt = (input_tokens, cached_tokens)

    def _count(self) -> None:
        self._counted += 1
        self.output_tokens = max(self.output_tokens, self._counted)


def _loads(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None  # malformed JSON from an engine: passed on as it is, it carries no usage

"""The bytes of answers: heads built anew."""

from functools import lru_cache
from http import HTTPStatus

from evenhand.gateway.http.contract import Headers
from evenhand.model.outcome import ENDINGS, Outcome
from evenhand.wire.error import error_body, error_headers

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
BODILESS = frozenset({204, 304})
_TURNED_AWAY_WAIT_MS = 1_000

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n"
    for status in HTTPStatus
    if status >= 200
}
_OURS = frozenset({"connection", "content-length", "transfer-encoding"})


def answer_head(status: int, headers: Headers, *, length: int | None, closes: bool) -> bytes:
    """Return the head of an answer; `length` None means chunked framing.

    A line break inside a header, or a framing header, is an error of the caller and asserted.
    """
    text = _STATUS_LINES.get(status) or _unnamed(status)
    for name, value in headers:
        text += f"{_line_start(name)}{value}\r\n"
    assert "\0" not in text, "a header value has no NUL"
    assert len(text.splitlines()) == len(headers) + 1, "a header value has no line break"
    if status not in BODILESS:
        text += (
            "transfer-encoding: chunked\r\n" if length is None else f"content-length: {length}\r\n"
        )
    if closes:
        text += "connection: close\r\n"
    return f"{text}\r\n".encode("latin-1")


def _unnamed(status: int) -> str:
    assert 200 <= status <= 599, "an answer has a final status"
    return f"HTTP/1.1 {status} Other\r\n"


@lru_cache(maxsize=64)
def _line_start(name: str) -> str:
    """The same few names come again and again."""
    assert name.lower() not in _OURS, "framing headers are the edge's to write"
    return f"{name}: "


def refusal_answer(outcome: Outcome, message: str) -> bytes:
    """Return the whole answer with which the edge refuses; the connection closes after it."""
    wait_ms = _TURNED_AWAY_WAIT_MS if outcome is Outcome.TOO_MANY_CONNECTIONS else None
    body = error_body(outcome, message)
    headers = error_headers(outcome, wait_ms)
    return answer_head(ENDINGS[outcome].status, headers, length=len(body), closes=True) + body

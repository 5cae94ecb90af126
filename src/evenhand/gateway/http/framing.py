"""The bytes of answers: heads built anew, chunks framed."""

from http import HTTPStatus

from evenhand.gateway.http.contract import Headers
from evenhand.model.outcome import ENDINGS, Outcome
from evenhand.wire.error import error_body, error_headers

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
BODILESS = frozenset({204, 304})
_TURNED_AWAY_WAIT_MS = 1_000

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}
_OURS = frozenset({"connection", "content-length", "transfer-encoding"})


def answer_head(status: int, headers: Headers, *, length: int | None, closes: bool) -> bytes:
    """Return the head of an answer; `length` None means chunked framing.

    A line break inside a header, or a framing header, is an error of the caller and asserted.
    """
    assert 200 <= status <= 599, "an answer has a final status"
    lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} Other"]
    for name, value in headers:
        assert name.lower() not in _OURS, "framing headers are the edge's to write"
        lines.append(f"{name}: {value}")
    if status not in BODILESS:
        lines.append(
            "transfer-encoding: chunked" if length is None else f"content-length: {length}"
        )
    if closes:
        lines.append("connection: close")
    text = "\r\n".join(lines)
    breaks = len(lines) - 1
    assert text.count("\r") == breaks == text.count("\n"), "a header value has no line break"
    assert "\0" not in text, "a header value has no NUL"
    return f"{text}\r\n\r\n".encode("latin-1")


def chunk(data: bytes) -> bytes:
    """Return one chunk. Never of empty `data`: that would end the answer."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def refusal_answer(outcome: Outcome, message: str) -> bytes:
    """Return the whole answer with which the edge refuses; the connection closes after it."""
    wait_ms = _TURNED_AWAY_WAIT_MS if outcome is Outcome.TOO_MANY_CONNECTIONS else None
    body = error_body(outcome, message)
    headers = error_headers(outcome, wait_ms)
    return answer_head(ENDINGS[outcome].status, headers, length=len(body), closes=True) + body

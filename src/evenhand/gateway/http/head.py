"""The strict reading of a request head.

Two servers that read one request differently are how requests are smuggled, so whatever the grammar
leaves open is refused here, by our own check of the raw bytes; llhttp's opinion comes second and
must agree.
"""

import re
from collections.abc import Mapping
from itertools import repeat

import httptools

from evenhand.gateway.http.complaint import field_complaint, line_complaint
from evenhand.gateway.http.contract import RequestHead
from evenhand.gateway.http.refusal import RefusalError, ambiguous, body_too_large
from evenhand.gateway.http.settings import EdgeSettings
from evenhand.model.outcome import Outcome

METHODS = {
    method.encode("ascii"): method
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}

_PATH_BYTES = rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]++|%[0-9A-Fa-f]{2})*+"
_QUERY_BYTES = rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]++|%[0-9A-Fa-f]{2})*+"
REQUEST_LINE = re.compile(
    rb"([A-Z]{3,7}) (/" + _PATH_BYTES + rb")(?:\?" + _QUERY_BYTES + rb")? HTTP/1\.1\r\n"
)
# No underscore in names: behind another proxy X_Tenant and X-Tenant are the same variable.
_FIELDS = re.compile(rb"(?:[!#$%&'*+.^`|~0-9A-Za-z-]++:[\t -~\x80-\xff]*+\r\n)*+\r\n")
# Fields that have passed are split, not matched again: that takes half the time.
_COLONS = repeat(":")
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_LENGTH = re.compile(r"[0-9]{1,19}")
_CLOSE = re.compile(r"(?:^|,)[ \t]*close[ \t]*(?:,|$)", re.IGNORECASE)

_ONCE = frozenset(
    {
        "authorization",
        "content-length",
        "content-type",
        "expect",
        "host",
        "transfer-encoding",
        "x-api-key",
        "x-evenhand-interaction",
        "x-evenhand-interaction-calls",
    }
)
# What few clients send, and what decides whether a request can be read and served.
_SELDOM = frozenset({"content-encoding", "expect", "transfer-encoding"})


def read_head(raw: bytes, settings: EdgeSettings) -> RequestHead:
    """Read one head, `raw` being everything up to and including the empty line.

    Raises RefusalError for anything but one well-formed request that may be served.
    """
    line = REQUEST_LINE.match(raw)
    if line is None:
        raise ambiguous(line_complaint(raw))
    method = METHODS.get(line[1])
    if method is None:
        raise ambiguous(f"The method {line[1].decode('ascii')} is not served: use GET or POST.")
    if raw.count(b"\n") - 2 > settings.head_fields_max:
        raise RefusalError(
            Outcome.HEAD_TOO_LARGE, f"Send at most {settings.head_fields_max} header fields."
        )
    fields_at = line.end()
    if _FIELDS.fullmatch(raw, fields_at) is None:
        raise ambiguous(field_complaint(raw, fields_at))
    headers = _fields(raw, fields_at)
    if _HOST.fullmatch(headers.get("host", "")) is None:
        raise ambiguous("Send exactly one Host header: a name or address, and a port if need be.")
    is_plain = _SELDOM.isdisjoint(headers)
    is_chunked = not is_plain and _is_chunked(headers)
    length = headers.get("content-length")
    if length is not None and _LENGTH.fullmatch(length) is None:
        raise ambiguous("Content-Length must be one decimal number of at most 19 digits.")
    _second_opinion(raw, line[1])
    if not is_plain:
        _refuse_unserved(headers)
    content_length = None if length is None else int(length)
    if content_length is not None and content_length > settings.body_bytes_max:
        raise body_too_large(settings.body_bytes_max)
    options = headers.get("connection")
    return RequestHead(
        method,
        line[2].decode("ascii"),
        headers,
        content_length,
        is_chunked,
        not is_plain and "expect" in headers,
        options is not None and _CLOSE.search(options) is not None,
    )


def _fields(raw: bytes, start: int) -> dict[str, str]:
    lines = raw[start:-4].decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip(" \t") for name, _, value in map(str.partition, lines, _COLONS)
    }
    return headers if len(headers) == len(lines) else _joined(lines)


def _joined(lines: list[str]) -> dict[str, str]:
    """The same where some header came more than once."""
    headers: dict[str, str] = {}
    for name, _, value in map(str.partition, lines, _COLONS):
        key = name.lower()
        if key not in headers:
            headers[key] = value.strip(" \t")
        elif key in _ONCE:
            raise ambiguous(f"The header {key} came more than once: send it once.")
        else:
            headers[key] += ", " + value.strip(" \t")
    return headers


def _is_chunked(headers: Mapping[str, str]) -> bool:
    coding = headers.get("transfer-encoding")
    if coding is None:
        return False
    if "content-length" in headers:
        raise ambiguous("Send either Content-Length or Transfer-Encoding, not both.")
    if coding.lower() != "chunked":
        raise ambiguous("Transfer-Encoding must be exactly: chunked.")
    return True


def _second_opinion(raw: bytes, method: bytes) -> None:
    parser = httptools.HttpRequestParser(None)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        # An offer to change protocols (h2c) may be ignored, and is.
        pass
    except httptools.HttpParserError as error:
        raise ambiguous(f"The request head is malformed ({error}): send plain HTTP/1.1.") from error
    if parser.get_method() != method or parser.get_http_version() != "1.1":
        raise ambiguous("The request line can be read in two ways: send plain HTTP/1.1.")


def _refuse_unserved(headers: Mapping[str, str]) -> None:
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise RefusalError(
            Outcome.ENCODED_BODY, "Send the body as it is, without Content-Encoding."
        )
    if headers.get("expect", "100-continue").lower() != "100-continue":
        raise RefusalError(
            Outcome.EXPECTATION_FAILED, "The only expectation that can be met is 100-continue."
        )

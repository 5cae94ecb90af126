"""What exactly is wrong with a refused head, in words its sender can act on."""

import re

_BROKEN_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")
_BROKEN_LINE_END_SO_FAR = re.compile(rb"\r(?=[^\n])|(?<!\r)\n|\0")
_NAME = re.compile(rb"[!#$%&'*+.^`|~0-9A-Za-z-]+")

LINE_ENDS = "Lines end with CRLF, and CR, LF and NUL stand nowhere else: send plain HTTP/1.1."


def broken_so_far(raw: bytes | bytearray, start: int) -> bool:
    """Say whether an unfinished head is beyond repair, looking at `raw` from `start` on."""
    return _BROKEN_LINE_END_SO_FAR.search(raw, start) is not None


def line_complaint(raw: bytes) -> str:
    """Say why the request line of `raw` was refused."""
    line = raw.partition(b"\n")[0]
    if _BROKEN_LINE_END.search(line + b"\n"):
        return LINE_ENDS
    if re.search(rb" HTTP/[0-9.]+\r$", line) and not line.endswith(b" HTTP/1.1\r"):
        return "Only HTTP/1.1 is spoken here: set the client to it."
    if re.match(rb"[A-Z]+ [a-z]+://", line):
        return "Send the path alone in the request line, not a whole URL."
    return "The request line must be METHOD, one space, /path, one space, HTTP/1.1."


def field_complaint(raw: bytes, start: int) -> str:
    """Say why the header fields of `raw`, which begin at `start`, were refused."""
    if _BROKEN_LINE_END.search(raw):
        return LINE_ENDS
    for field in raw[start:-4].split(b"\r\n"):
        if field[:1] in {b" ", b"\t"}:
            return "A header is folded over two lines: put it on one."
        name, colon, _ = field.partition(b":")
        if not colon or not name:
            return "A header line has no name or no colon: send Name: value."
        if not _NAME.fullmatch(name):
            return _name_complaint(name)
    return "A header value has a control character: remove it."


def _name_complaint(name: bytes) -> str:
    if name != name.strip():
        return "There is white space between a header's name and its colon: remove it."
    if b"_" in name:
        return "A header name has an underscore: use a hyphen."
    return "A header name has a character that names cannot have: remove it."

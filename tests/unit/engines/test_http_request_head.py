import pytest

from evenhand.engines.http.address import EngineAddress
from evenhand.engines.http.request_head import RequestHead

ADDRESS = EngineAddress.parse("http://engine:8000/api")


def test_a_head_holds_our_lines_the_clients_and_nothing_else() -> None:
    head = RequestHead(ADDRESS, [("authorization", "Bearer k")])
    assert head.post("/v1/completions", [("content-type", "application/json")], 7) == (
        b"POST /api/v1/completions HTTP/1.1\r\n"
        b"host: engine:8000\r\n"
        b"accept-encoding: identity\r\n"
        b"authorization: Bearer k\r\n"
        b"content-length: 7\r\n"
        b"content-type: application/json\r\n\r\n"
    )
    assert head.get("/health") == (
        b"GET /api/health HTTP/1.1\r\n"
        b"host: engine:8000\r\n"
        b"accept-encoding: identity\r\n"
        b"authorization: Bearer k\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", "a\r\nb: c"),
        ("x", "a\nb"),
        ("x", "a\rb"),
        ("x", "a\x00"),
        ("x", "\u2028"),
        ("x\r\ny", "a"),
        ("x y", "a"),
        ("x:", "a"),
        ("", "a"),
        ("Content-Length", "3"),
        ("transfer-encoding", "chunked"),
        ("Host", "other"),
        ("connection", "close"),
        ("accept-encoding", "gzip"),
    ],
)
def test_headers_that_could_break_the_framing_are_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="header"):
        RequestHead(ADDRESS, [(name, value)])
    with pytest.raises(ValueError, match="header"):
        RequestHead(ADDRESS, []).post("/x", [(name, value)], 0)


@pytest.mark.parametrize("path", ["", "x", "/a b", "/a\r\nb", "/\u00e9", "http://other/"])
def test_paths_that_could_break_the_request_line_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        RequestHead(ADDRESS, []).get(path)

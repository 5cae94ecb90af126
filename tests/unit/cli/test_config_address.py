"""Addresses and URLs are read one way only, and the odd ones are refused."""

import pytest

from evenhand.cli.config.address import Address, parse_address
from evenhand.cli.config.url import parse_url


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("[::1]:0", "::1", 0),
        ("localhost:80", "localhost", 80),
        ("gateway-1.example:65535", "gateway-1.example", 65535),
    ],
)
def test_an_address_is_read_and_written_alike(text: str, host: str, port: int) -> None:
    address = parse_address(text)
    assert address == Address(host, port)
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    ["", "a", "a:", ":1", "a:b", "a:-1", "a:+1", "a: 1", "a:65536", "a:1:2", "[::1]", "[::1:8",
     "::1:8", "[1.2.3.4]:8", "a b:1", "a..b:1", "127.1:80", "0x7f.1:80", "1:80", "a:\u0661",
     "a:1\n", 8080, None, True, [], {}],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="host:port"):
        parse_address(text)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True),
     ("LOCALHOST", True), ("0.0.0.0", False), ("::", False), ("10.0.0.1", False),
     ("localhost.example", False)],
)  # fmt: skip
def test_loopback_is_what_only_this_machine_reaches(host: str, is_loopback: object) -> None:
    assert Address(host, 1).is_loopback is is_loopback


def test_any_two_listeners_may_ask_for_port_zero() -> None:
    assert not Address("::", 0).overlaps(Address("::", 0))
    assert Address("::", 5).overlaps(Address("127.0.0.1", 5))
    assert not Address("127.0.0.2", 5).overlaps(Address("127.0.0.1", 5))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("http://10.0.0.5:8000", "http://10.0.0.5:8000"),
        ("http://10.0.0.5:8000/", "http://10.0.0.5:8000"),
        ("https://api.example/openai/", "https://api.example:443/openai"),
        ("HTTP://Engine", "http://engine:80"),
        ("http://[fd00::1]:9", "http://[fd00::1]:9"),
        ("http://[::1]:9", "http://[::1]:9"),
        ("http://[::ffff:10.0.0.5]:9", "http://[::ffff:10.0.0.5]:9"),
        ("http://127.0.0.1:9/a/b-c_d.e~f", "http://127.0.0.1:9/a/b-c_d.e~f"),
        ("http://localhost:1", "http://localhost:1"),
    ],
)
def test_a_url_is_brought_to_one_form(text: str, written: str) -> None:
    assert str(parse_url(text)) == written
    assert parse_url(written) == parse_url(text)


@pytest.mark.parametrize(
    "text",
    ["", "10.0.0.5:8000", "//a", "http:", "http://", "http:///x", "http://:80", "http://a:",
     "http://a:0", "http://a:65536", "http://a:x", "http://a:-1", "ftp://a", "file:///etc/passwd",
     "gopher://a", "http+unix://a", "javascript:1", "http://u@a", "http://u:canary@a", "http://@a",
     "http://a?canary", "http://a?", "http://a#canary", "http://a#", "http://a b", "http://a\n",
     "http://a\\b", "http://a/%2e", "http://a/..", "http://a/./b", "http://a//b", "http://a/x;y",
     "http://a/v1", "http://a/v1/", "http://a/api/v1", "http://2130706433", "http://127.1",
     "http://0x7f.0.0.1", "http://0x7f000001", "http://017700000001", "http://127.0.0.01",
     "http://0", "http://0.0.0.0", "http://[::]", "http://[::ffff:0.0.0.0]", "http://224.0.0.1",
     "http://[ff02::1]", "http://169.254.169.254", "http://[fe80::1]", "http://[fe80::1%25eth0]",
     "http://[::ffff:169.254.169.254]", "http://255.255.255.255", "http://240.0.0.1",
     "http://[127.0.0.1]", "http://[::1", "http://a..b", "http://-a", "http://a_b",
     "http://\u24d0", "http://a%00b", "http://a." + "b" * 300, 5, None, True, [], {}],
)  # fmt: skip
def test_what_is_no_engines_url_is_refused_and_not_repeated(text: object) -> None:
    with pytest.raises(
        ValueError, match=r"must be a base URL|where no engine can be|/v1"
    ) as caught:
        parse_url(text)
    assert "canary" not in str(caught.value)

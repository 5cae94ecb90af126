import pytest

from evenhand.engines.http import ClientSettings, EngineAddress


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "prefix", "authority"),
    [
        ("http://127.0.0.1:8000", "http", "127.0.0.1", 8000, "", "127.0.0.1:8000"),
        ("http://engine", "http", "engine", 80, "", "engine"),
        ("https://engine/api/", "https", "engine", 443, "/api", "engine"),
        ("https://engine:8443", "https", "engine", 8443, "", "engine:8443"),
        ("http://[::1]:9", "http", "::1", 9, "", "[::1]:9"),
        ("http://[::1]", "http", "::1", 80, "", "[::1]"),
        ("HTTP://Engine:80", "http", "engine", 80, "", "engine"),
    ],
)
def test_a_url_names_an_engine(
    url: str, scheme: str, host: str, port: int, prefix: str, authority: str
) -> None:
    address = EngineAddress.parse(url)
    assert address == EngineAddress(scheme=scheme, host=host, port=port, path_prefix=prefix)
    assert address.authority == authority
    assert EngineAddress.parse(str(address)) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "engine:8000",
        "ftp://engine",
        "unix:///run/engine",
        "http://",
        "http://:8000",
        "http:///v1",
        "http://user@engine",
        "http://user:secret@engine",
        "http://engine?x=1",
        "http://engine/?",
        "http://engine/#f",
        "http://engine:0",
        "http://engine:65536",
        "http://engine:8o",
        "http://engine:-1",
        "http://engine:+1",
        "http://en gine",
        "http://engine\r\nx: y",
        "http://engine\\@other",
        "http://ma\u00dfe",
        "http://[::1",
        "http://[::1]8000",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="engine URL"):
        EngineAddress.parse(url)


def test_a_refusal_does_not_repeat_the_password() -> None:
    with pytest.raises(ValueError, match="take user and password out") as caught:
        EngineAddress.parse("http://user:hunter2@engine")
    assert "hunter2" not in str(caught.value)


def test_limits_must_be_positive() -> None:
    with pytest.raises(ValueError, match="idle_ms_max"):
        ClientSettings(idle_ms_max=0)

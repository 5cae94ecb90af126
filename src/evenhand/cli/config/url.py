"""Where an engine is: its base URL, checked for scheme and kind of address."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from evenhand.cli.config.address import is_host_name
from evenhand.engines.http.address_class import refused_kind

_FORM = "must be a base URL such as http://10.0.0.5:8000"
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,2048}")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class EngineUrl:
    """`host` is without brackets; `prefix` is "" or "/a/b", to stand before `/v1/...`."""

    scheme: str
    host: str
    port: int
    prefix: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.prefix}"


def parse_url(text: object) -> EngineUrl:
    """Read a base URL. Raises ValueError that says what to write, and never repeats the URL, which
    may hold a password."""
    if not isinstance(text, str) or not _PRINTABLE.fullmatch(text) or "\\" in text:
        raise ValueError(f"{_FORM}, without spaces")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"{_FORM}; the port is a number from 1 to 65535") from None
    if parts.scheme not in _PORTS:
        raise ValueError(f"{_FORM}; it begins with http:// or https://")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError(f"{_FORM}; the port is a number from 1 to 65535")
    if "@" in parts.netloc:
        raise ValueError(f"{_FORM}, without user or password: use api_key for a credential")
    if "?" in text or "#" in text:
        raise ValueError(f"{_FORM}, without query (?) and fragment (#)")
    host = _host(parts)
    prefix = parts.path.rstrip("/")
    if not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/")):
        raise ValueError(f"{_FORM}; the path may hold letters, digits, . _ ~ - between slashes")
    if prefix.endswith("/v1"):
        raise ValueError("leave out the /v1 at the end: the gateway adds it")
    return EngineUrl(parts.scheme, host, port or _PORTS[parts.scheme], prefix)


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        if parts.netloc.startswith("[") or not is_host_name(host):
            raise ValueError(f"{_FORM}; the host is a host name or an IP address") from None
        return host
    if isinstance(ip, ipaddress.IPv6Address) and ip.scope_id:
        raise ValueError(f"{_FORM}; leave out the %zone of the address")
    kind = refused_kind(ip)
    if kind:
        raise ValueError(f"is {kind} address, where no engine can be: write the engine's own")
    return host


BaseUrl = Annotated[
    EngineUrl,
    PlainValidator(parse_url),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": "^https?://[^@?#]+$", "x-expects": "an http(s) base URL"}
    ),
]

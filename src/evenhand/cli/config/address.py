"""Where we listen: `host:port`."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_PORT = re.compile(r"[0-9]{1,5}")
_FORM = "must be host:port, such as 127.0.0.1:8080 or [::1]:8080"


@dataclass(frozen=True, slots=True)
class Address:
    """A host name or IP address (without brackets) and a TCP port; port 0 lets the system pick."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """True where only this machine can connect."""
        ip = _ip(self.host)
        return self.host.lower() == "localhost" if ip is None else ip.is_loopback

    def overlaps(self, other: "Address") -> bool:
        """True where binding both must fail: one port, and one host or a wildcard."""
        if self.port == 0 or self.port != other.port:
            return False
        hosts = {self.host.lower(), other.host.lower()}
        return len(hosts) == 1 or not hosts.isdisjoint({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound


def parse_address(text: object) -> Address:
    """Read `host:port`. Raises ValueError that says what to write."""
    if not isinstance(text, str):
        raise ValueError(_FORM)  # noqa: TRY004 - pydantic turns ValueErrors into problems
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise ValueError(f"{_FORM}; for all interfaces write 0.0.0.0:PORT")
    if not _PORT.fullmatch(port) or int(port) > 65535:
        raise ValueError(f"{_FORM}; the port is a number from 0 to 65535")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        ip = _ip(host)
        if ip is None or ip.version != 6:
            raise ValueError(f"{_FORM}; between brackets stands an IPv6 address")
    elif ":" in host:
        raise ValueError(f"{_FORM}; an IPv6 address stands in brackets")
    elif _ip(host) is None and not is_host_name(host):
        raise ValueError(f"{_FORM}; the host is an IP address or a host name")
    return Address(host, int(port))


def is_host_name(host: str) -> bool:
    """True for a DNS name. Names ending in a number are refused: resolvers read `127.1`, `0x7f.1`
    and `2130706433` as addresses that no check of ours has seen."""
    last = host.rpartition(".")[2]
    is_numeric = last.isdigit() or re.fullmatch(r"0[xX][0-9A-Fa-f]*", last) is not None
    return _HOST_NAME.fullmatch(host) is not None and ".." not in host and not is_numeric


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


ListenAddress = Annotated[
    Address,
    PlainValidator(parse_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "x-expects": "host:port"}),
]


def _parse_host_name(text: object) -> str:
    if isinstance(text, str) and is_host_name(text):
        return text.lower()
    raise ValueError("must be a host name without a port, such as evenhand.example.org")


HostName = Annotated[
    str,
    PlainValidator(_parse_host_name),
    WithJsonSchema({"type": "string", "maxLength": 253, "x-expects": "a host name"}),
]

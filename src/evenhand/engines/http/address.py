"""Where an engine listens."""

import re
from dataclasses import dataclass
from typing import Final, Self

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>/[!-~]*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class EngineAddress:
    """Scheme, host and port of an engine, and what stands before every path.

    `path_prefix` is empty or begins with a slash and does not end with one.
    """

    scheme: str
    host: str
    port: int
    path_prefix: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `http://host:port/prefix` or `https://...`.

        Raises ValueError, saying what to change, for anything else.
        """
        if "@" in url:
            # The URL itself stays out of this message: it may hold a password.
            raise ValueError(
                "take user and password out of the engine URL; configure a key instead"
            )
        if "?" in url or "#" in url:
            raise ValueError(f"take the part from '?' or '#' on out of the engine URL {url!r}")
        parts = _URL.fullmatch(url)
        if parts is None:
            raise ValueError(
                f"write the engine URL {url!r} as http://HOST:PORT or https://HOST:PORT/PREFIX, in"
                " plain ASCII"
            )
        scheme = parts["scheme"].lower()
        port = int(parts["port"] or _DEFAULT_PORTS[scheme])
        if not 0 < port < 65_536:
            raise ValueError(f"give the engine URL {url!r} a port from 1 to 65535")
        return cls(
            scheme=scheme,
            host=(parts["six"] or parts["name"]).lower(),
            port=port,
            path_prefix=(parts["path"] or "").rstrip("/"),
        )

    @property
    def authority(self) -> str:
        """What the Host header says; the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Give the URL again."""
        return f"{self.scheme}://{self.authority}{self.path_prefix}"

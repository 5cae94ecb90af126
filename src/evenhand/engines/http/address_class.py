"""Which addresses an engine can have, looked at when a configuration is read and again when we connect:
a name may have come to stand for another address meanwhile."""

import asyncio
import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def refused_kind(ip: Address) -> str | None:
    """The kind of address that an engine cannot have, with its article; None where it can.

    Link-local is refused because cloud metadata services, which hand out credentials, live there.
    """
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if ip.is_unspecified:
        return "a wildcard"
    if ip.is_multicast:
        return "a multicast"
    if ip.is_link_local:
        return "a link-local"
    if ip.is_reserved and not ip.is_loopback:
        return "a reserved"
    return None


async def addresses_of(host: str, port: int, loop: asyncio.AbstractEventLoop) -> list[str]:
    """Where to connect for a host, in the system's order. Raises OSError where it has no address, or
    none that an engine can have."""
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    refused = ""
    allowed = []
    for address in addresses:
        # A zone belongs to link-local addresses only.
        kind = "a link-local" if "%" in address else refused_kind(ipaddress.ip_address(address))
        if kind is None:
            allowed.append(address)
        else:
            refused = refused or kind
    if refused and not allowed:
        raise OSError(f"{host} stands for {refused} address, where no engine can be")
    return allowed

"""Whether an address a user names leads out of this network, looked at after its name is resolved.

Owns that question. A name is resolved anew when the browser opens it: who may name addresses on a server for others is
the operator's to decide (`VINTEDBOT_PRIVATE_ADDRESSES`).
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from backend.core.errors import BadRequest

_NAT64 = ip_network("64:ff9b::/96")


def check(address: str) -> None:
    """Raises BadRequest (`address_inside`) unless every address of the host is a public one. Blocks while it asks."""
    host = urlsplit(address).hostname or ""
    if not host or not all(is_public(ip) for ip in _resolved(host)):
        raise BadRequest(
            f"{address!r} leads to this machine or its network, or nowhere. Give a marketplace's public address.",
            code="address_inside",
        )


def is_public(ip: IPv4Address | IPv6Address) -> bool:
    """Not loopback, private, link-local (a cloud's metadata), shared, reserved or multicast; nor one in disguise."""
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return is_public(inner)
        if ip in _NAT64:
            return is_public(IPv4Address(int(ip) & 0xFFFFFFFF))
    return ip.is_global and not ip.is_multicast


def _resolved(host: str) -> list[IPv4Address | IPv6Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise BadRequest(f"There is no address of the name {host!r}.", code="address_inside") from None
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]

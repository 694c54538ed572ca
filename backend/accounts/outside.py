"""Where an address that a person names leads to, looked at after its name is resolved.

Owns two questions: whether an address leads out of this network (a marketplace, which any user names), and whether a
service of an admin's choice may be asked there (a model). A name is resolved anew when the browser or the client opens
it: who may name addresses on a server for others is the operator's to decide (`VINTEDBOT_PRIVATE_ADDRESSES`).
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from backend.core.errors import BadRequest

IP = IPv4Address | IPv6Address
_NAT64 = ip_network("64:ff9b::/96")
_METADATA = ip_address("fd00:ec2::254")
"""A cloud's metadata at an address that looks like one's own network; the others' are link-local."""


def check(address: str) -> None:
    """Raises BadRequest (`address_inside`) unless every address of the host is a public one. Blocks while it asks."""
    host = urlsplit(address).hostname or ""
    if not host or not all(is_public(ip) for ip in _resolved(host, "address_inside")):
        raise BadRequest(
            f"{address!r} leads to this machine or its network, or nowhere. Give a marketplace's public address.",
            code="address_inside",
        )


def check_service(address: str, *, inside: bool) -> None:
    """For what an admin names: a public address over https, or, with `inside`, this machine or its network.

    Raises BadRequest (`service_unknown`, `service_inside`, `service_open`). Blocks while it asks."""
    parts = urlsplit(address)
    found = [_undisguised(ip) for ip in _resolved(parts.hostname or "", "service_unknown")]
    outside = [ip for ip in found if is_public(ip)]
    if len(outside) < len(found) and not (inside and all(is_public(ip) or _is_own(ip) for ip in found)):
        allowed = "a public address" if not inside else "a public address, or one of this machine or its own network"
        raise BadRequest(
            f"{address} leads where nothing may be asked from this page. Give {allowed}; any other one can be set by "
            "OPENAI_BASE_URL.",
            code="service_inside",
        )
    if outside and parts.scheme != "https":
        raise BadRequest(
            f"{address} is out on the internet and not encrypted: photos and key could be read on the way. Begin it "
            "with https://.",
            code="service_open",
        )


def is_public(ip: IP) -> bool:
    """Not loopback, private, link-local (a cloud's metadata), shared, reserved or multicast; nor one in disguise."""
    plain = _undisguised(ip)
    return plain.is_global and not plain.is_multicast


def _is_own(ip: IP) -> bool:
    """This machine's, or its private network's; not a cloud's metadata, nor an address of everywhere or nowhere."""
    odd = ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip == _METADATA
    return ip.is_loopback or (ip.is_private and not odd and not (ip.version == 4 and ip.is_reserved))


def _undisguised(ip: IP) -> IP:
    """The IPv4 address that an IPv6 address may stand for."""
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return inner
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def _resolved(host: str, code: str) -> list[IP]:
    try:
        found = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise BadRequest(f"There is no address of the name {host!r}.", code=code) from None
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]

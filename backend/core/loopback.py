"""Whether a name or address is this machine's own. Owns that rule, and nothing that follows from it."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

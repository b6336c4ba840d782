"""Where events may be sent: nowhere inside, unless the deployment says so.

A destination is what an owner typed. It must not make this server talk to systems that only the
server can reach: each address that a name has is looked at, and the one that was is dialled.
"""

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HTTPS_PORT = 443
LONGEST_HOST = 253
LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
HOST = re.compile(rf"{LABEL}(\.{LABEL})*")


def _networks(*written: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(one) for one in written)


NEVER = _networks(
    "0.0.0.0/8",
    "169.254.0.0/16",  # link-local, and the metadata of most clouds
    "168.63.129.16/32",  # Azure's, which looks public
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/96",  # unspecified, loopback is allowed below, IPv4 in an old notation
    "::ffff:0:0:0/96",
    "fd00:ec2::/32",  # metadata of Amazon's cloud
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
)
"""Whatever the setting says."""

NOT_PUBLIC = _networks(
    "100.64.0.0/10",  # shared by carriers, and metadata of Alibaba's cloud
    "192.0.0.0/24",
    "192.88.99.0/24",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
)
"""What Python's `is_global` takes for public in one version or another."""

NAT64 = ipaddress.ip_network("64:ff9b::/96")
LOOPBACK = ipaddress.ip_address("::1")
LOW_32 = 0xFFFFFFFF


class InvalidAddressError(ValueError):
    """What was typed can't be a destination; the message says why, in a sentence."""


class AddressRefusedError(OSError):
    """A name leads to an address where nothing may be sent."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect to."""

    host: str
    port: int
    path: str = ""
    """With its query; of HTTPS alone."""


def https_target(url: str) -> Target:
    """The parts of `https://host[:port]/path`. Raises InvalidAddressError."""
    if any(one.isspace() or not one.isprintable() or ord(one) > 127 for one in url):  # noqa: PLR2004 - ASCII
        raise InvalidAddressError("Write the address in ASCII, without spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidAddressError("This is not an address.") from None
    if parts.scheme != "https":
        raise InvalidAddressError("The address must begin with https://.")
    if parts.username is not None or parts.password is not None:
        raise InvalidAddressError("No user and no password in the address: use the secret.")
    if "#" in url:
        raise InvalidAddressError("The address must have no fragment (#…).")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _target(parts.hostname or "", HTTPS_PORT if port is None else port, path)


def tls_target(address: str) -> Target:
    """The parts of `host:port`, an IPv6 address in brackets. Raises InvalidAddressError."""
    host, colon, port = address.strip().rpartition(":")
    if not colon or not port.isascii() or not port.isdigit():
        raise InvalidAddressError("Write the address as host:port, such as siem.example.org:6514.")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise InvalidAddressError("Write an IPv6 address in brackets.")
    return _target(host, int(port))


def _target(host: str, port: int, path: str = "") -> Target:
    host = host.lower().removesuffix(".")
    if not 0 < port < 65536:  # noqa: PLR2004 - of 16 bits
        raise InvalidAddressError("The port is a number from 1 to 65535.")
    named = len(host) <= LONGEST_HOST and HOST.fullmatch(host) is not None
    if not named and _literal(host) is None:
        raise InvalidAddressError("The address has no valid host name.")
    return Target(host, port, path)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def refuse_inside(target: Target) -> None:
    """For whoever types an address: what is plainly inside is refused before any connection.

    Names are looked at when they are dialled (`resolve`). Raises InvalidAddressError.
    """
    literal = _literal(target.host)
    if literal is not None and not allowed(literal):
        raise InvalidAddressError("Nothing may be sent to this address: it is not public.")


def allowed(address: Address) -> bool:
    """Whether events may be sent there: a public address, or one of SIEM_ALLOWED_NETWORKS."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        if address.ipv4_mapped is not None:
            return allowed(address.ipv4_mapped)
        if address in NAT64:
            return allowed(ipaddress.IPv4Address(int(address) & LOW_32))
    if address != LOOPBACK and _within(address, NEVER):
        return False
    if _within(address, settings.SIEM_ALLOWED_NETWORKS):
        return True
    return address.is_global and not _within(address, NOT_PUBLIC)


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in one for one in networks if one.version == address.version)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, all looked at, to be dialled as they are.

    Raises AddressRefusedError where nothing may be sent to one of them, OSError without any.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
    if not all(allowed(ipaddress.ip_address(address)) for address in addresses):
        raise AddressRefusedError("an address of this name is not allowed")
    return addresses

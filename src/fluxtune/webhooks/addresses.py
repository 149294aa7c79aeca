"""Which addresses users may make the studio talk to: public ones only, unless an administrator allows others."""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from fluxtune.core.errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]


class UrlRefused(InvalidInput):
    """The studio does not send anything there."""

    title = "That address can't be used"
    action = "Give an http or https address that can be reached from the internet."


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL: the address to connect to stands beside it, so that a second look-up can't lead elsewhere."""

    url: str
    host: str
    port: int
    address: str
    is_https: bool
    path: str


def check_url(url: str, *, allow_private: bool = False) -> None:
    """Raise `UrlRefused` for what can be told to be wrong without looking up a name, which may take long."""
    host = _split(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        host = "127.0.0.1"
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return  # a name; it is looked up each time something is sent
    _require_public(host, host, allow_private)


def _require_public(host: str, address: str, allow_private: bool) -> None:
    if not allow_private and not is_public(address):
        raise UrlRefused(
            f"{host[:200]} is {address}, an address of this computer or its own network.",
            action="Give a public address, or let an administrator set FLUXTUNE_WEBHOOKS__ALLOW_PRIVATE.",
            field="webhook_url",
        )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise UrlRefused(f"“{url[:200]}” is not an address.", field="webhook_url", technical=str(error)) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UrlRefused(f"“{url[:200]}” is not an http or https address.", field="webhook_url")
    if parts.username is not None or parts.password is not None:
        raise UrlRefused(
            "Name and password in an address would be visible to everyone who sees it.",
            action="Give a secret instead; it signs what is sent.",
            field="webhook_url",
        )
    if port == 0:
        raise UrlRefused("Port 0 is no port.", field="webhook_url")
    return parts


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host name; raise `UrlRefused` if there are none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UrlRefused(f"The name “{host[:200]}” is not known.", field="webhook_url", technical=str(error)) from error
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def find_target(url: str, *, allow_private: bool, look_up: Resolver = resolve) -> Target:
    """Return where to connect for a URL; raise `UrlRefused` if any of its addresses is not public.

    One private address among public ones is enough to refuse: which of them would be used is left to chance.
    """
    parts = _split(url)
    host = parts.hostname or ""
    is_https = parts.scheme == "https"
    port = parts.port or (443 if is_https else 80)
    addresses = look_up(host, port)
    for address in addresses:
        _require_public(host, address, allow_private)
    path = parts.path or "/"
    return Target(url, host, port, addresses[0], is_https, f"{path}?{parts.query}" if parts.query else path)


def is_public(text: str) -> bool:
    """Return whether an address belongs to the internet: not loopback, link-local, private, shared or reserved."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    for inner in _inner(address):
        if not inner.is_global or inner.is_multicast or inner.is_reserved or inner.is_unspecified:
            return False
    return True


def _inner(address: Address) -> list[Address]:
    """Return the address and the IPv4 address an IPv6 address stands for (mapped, 6to4, NAT64, Teredo)."""
    found: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return [address.ipv4_mapped]
        if address.sixtofour is not None:
            found.append(address.sixtofour)
        if address.teredo is not None:
            found.append(address.teredo[1])
        if address in ipaddress.ip_network("64:ff9b::/96"):
            found = [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return found

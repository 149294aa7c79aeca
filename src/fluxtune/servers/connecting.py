"""Opening a connection to a server: the only place a stored token leaves."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import fluxtune.servers.tables as tables
from fluxtune.backends.fluxtune.client import ServerClient
from fluxtune.config import Settings
from fluxtune.config.secrets import SecretLost
from fluxtune.core.errors import InvalidInput
from fluxtune.servers.errors import AddressRefused, TokenUnreadable

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]+")


@dataclass(frozen=True, slots=True)
class OpenServer:
    """A server ready for use."""

    id: str
    name: str
    url: str
    token: str = field(repr=False)


def open_server(settings: Settings, row: tables.ServerRow) -> OpenServer:
    """Return a server with its token; raise TokenUnreadable."""
    try:
        return OpenServer(row.id, row.name, row.url, settings.secrets.open(row.secret))
    except SecretLost as error:
        raise TokenUnreadable(f"“{row.name}”: {error}") from error


def connect(settings: Settings, server: OpenServer) -> ServerClient:
    """Return a client that shows the server's token. Close it."""
    return ServerClient(server.name, server.url, server.token, timeout_s=settings.hosted.timeout_seconds)


def clean_url(text: str) -> str:
    """Return an address as it is kept; raise AddressRefused.

    Addresses of this computer and of private networks are what this is for; whoever may add servers is the owner of
    the studio. What follows the host is left out where it is BFL's own (`/v1`).
    """
    text = text.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(f"“{text[:100]}” is not understandable.", field="url") from error
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        raise AddressRefused(f"“{text[:100]}” names no host.", field="url")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise AddressRefused("Only scheme, host and port belong here; the token has a field of its own.", field="url")
    if parts.path.rstrip("/") not in ("", "/v1"):
        raise AddressRefused(f"Nothing follows the host; leave out “{parts.path[:100]}”.", field="url")
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}{f':{port}' if port is not None else ''}"


def clean_token(text: str) -> str:
    """Return a token as it is kept; raise InvalidInput."""
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidInput("A token is one word of plain letters, digits and signs.", field="token")
    return token

"""Servers that describe images: kept with their keys encrypted, and asked only where that is allowed."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.backends.vision.client import VisionTarget
from fluxtune.captioning import repository
from fluxtune.captioning.schemas import CaptionEndpoint, CaptionEndpointCreate
from fluxtune.captioning.tables import CaptionEndpointRow
from fluxtune.config import Settings
from fluxtune.config.secrets import SecretLost
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict, InvalidInput, NotFound, NotReady
from fluxtune.core.ids import new_id
from fluxtune.core.text import clean_text
from fluxtune.webhooks.addresses import UrlRefused, check_url, find_target, resolve

_PATH = "/chat/completions"


class EndpointRefused(InvalidInput):
    """The studio may not ask there."""

    title = "That caption server can't be used"
    action = (
        "Servers on the internet work at once. For one on this computer or its own network, let an administrator name "
        "it in FLUXTUNE_CAPTIONS__LOCAL_ENDPOINTS."
    )


class EndpointMissing(NotFound):
    """No caption server has this name."""

    title = "No such caption server"
    action = "`fluxtune caption endpoint list` lists them."


class EndpointNameTaken(Conflict):
    """Another caption server has this name."""

    title = "There is a caption server of this name already"
    action = "Choose another name, or remove the old one first."


class EndpointKeyUnreadable(NotReady):
    """A stored key can't be decrypted."""

    title = "The stored key can't be read"
    action = "Remove the caption server and add it anew."


class EndpointService:
    """Adds, lists and removes servers."""

    def __init__(self, session: Session, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    def list_endpoints(self) -> list[CaptionEndpoint]:
        """Return the servers, oldest first."""
        return [_show(row) for row in repository.list_endpoints(self._session)]

    def add_endpoint(self, create: CaptionEndpointCreate) -> CaptionEndpoint:
        """Keep a server; nothing is sent to it before captions are asked for."""
        url = create.url.strip().rstrip("/").removesuffix(_PATH)
        try:
            check_url(url, allow_private=is_named(url, self._settings))
        except UrlRefused as error:
            raise EndpointRefused(error.detail, field="url") from error
        key = create.key.strip()
        if key and (not key.isascii() or not key.isprintable() or " " in key):
            raise InvalidInput("A key is one word of plain letters, digits and signs.", field="key")
        name = clean_text(create.name)
        if repository.find_endpoint(self._session, name) is not None:
            raise EndpointNameTaken(f"“{name}” is in use.", field="name")
        row = CaptionEndpointRow(
            id=new_id(),
            name=name,
            url=url,
            model=clean_text(create.model),
            secret=self._settings.secrets.seal(key) if key else None,
            created_at=now(),
        )
        repository.add(self._session, row)
        after = {"url": row.url, "model": row.model, "has_key": bool(key)}
        audit.record(self._session, "caption_server.added", "caption_server", row.id, after=after, name=row.name)
        return _show(row)

    def remove_endpoint(self, name: str) -> None:
        """Forget a server and its key."""
        row = self.find(name)
        repository.remove(self._session, row)
        audit.record(self._session, "caption_server.removed", "caption_server", row.id, {"url": row.url}, name=row.name)

    def find(self, name: str) -> CaptionEndpointRow:
        """Return the server of this name or id."""
        row = repository.find_endpoint(self._session, name)
        if row is None:
            raise EndpointMissing(f"There is no caption server “{name[:64]}”.")
        return row

    def open_target(self, name: str) -> VisionTarget:
        """Return where to ask, looked up and checked now: names may point elsewhere than when they were added."""
        row = self.find(name)
        try:
            key = self._settings.secrets.open(row.secret) if row.secret else None
        except SecretLost as error:
            raise EndpointKeyUnreadable(f"“{row.name}”: {error}") from error
        try:
            target = find_target(
                row.url + _PATH, allow_private=is_named(row.url, self._settings), look_up=_older_addresses_first
            )
        except UrlRefused as error:
            raise EndpointRefused(error.detail, field="url") from error
        address = f"[{target.address}]" if ":" in target.address else target.address
        host = f"[{target.host}]" if ":" in target.host else target.host
        return VisionTarget(
            url=row.url,
            connect_url=f"{'https' if target.is_https else 'http'}://{address}:{target.port}{target.path}",
            host_header=host if target.port == (443 if target.is_https else 80) else f"{host}:{target.port}",
            sni=target.host if target.is_https else None,
            model=row.model,
            key=key,
        )


def is_named(url: str, settings: Settings) -> bool:
    """Return whether an administrator named this server: same scheme, host and port."""
    return _place(url) in {_place(each) for each in settings.captions.local_endpoints}


def _place(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url.strip())
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    host = parts.hostname or ""
    # They are one place, whichever way somebody writes it.
    return parts.scheme, "127.0.0.1" if host == "localhost" else host, port


def _older_addresses_first(host: str, port: int) -> Sequence[str]:
    """Return IPv4 before IPv6: local servers often listen on 127.0.0.1 alone, while localhost is also ::1."""
    return sorted(resolve(host, port), key=lambda each: ipaddress.ip_address(each.partition("%")[0]).version)


def _show(row: CaptionEndpointRow) -> CaptionEndpoint:
    return CaptionEndpoint(
        id=row.id,
        name=row.name,
        url=row.url,
        model=row.model,
        has_key=row.secret is not None,
        created_at=row.created_at,
    )

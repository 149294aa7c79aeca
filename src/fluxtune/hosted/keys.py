"""Keys of accounts at BFL: stored encrypted, or from the settings. A key leaves this module only to sign a request."""

import os
import threading
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.backends.bfl.client import REGIONS, BflClient
from fluxtune.config import Settings
from fluxtune.config.secrets import SecretLost
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict, InvalidInput, NotFound, NotReady
from fluxtune.core.ids import new_id
from fluxtune.hosted import repository
from fluxtune.hosted.schemas import HostedKey, HostedKeyCreate, Region
from fluxtune.hosted.tables import HostedKeyRow

FROM_SETTINGS = "settings"
"""The name of the key that the settings or the environment give."""


class KeyMissing(NotReady):
    """There is no key to pay with."""

    title = "No key of BFL's API is stored"
    action = "Add one on the Hosted page or with `fluxtune hosted key add`, or set BFL_API_KEY."


class KeyUnknown(NotFound):
    """No key has this name."""

    title = "No such key"
    action = "`fluxtune hosted status` lists the keys."


class KeyNameTaken(Conflict):
    """Another key has this name."""

    title = "There is a key of this name already"
    action = "Choose another name, or remove the old key first."


class ServerUnknown(InvalidInput):
    """The settings name no other server."""

    title = "No other server is set"
    action = "Set FLUXTUNE_HOSTED__SERVER to its address, then start the studio again."


class KeyUnreadable(NotReady):
    """A stored key can't be decrypted."""

    title = "The stored key can't be read"
    action = "Add it anew: `fluxtune hosted key remove`, then `fluxtune hosted key add`."


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A key ready for use."""

    name: str
    server: str
    secret: str = field(repr=False)


def server_of(settings: Settings, region: Region) -> str:
    """Return the address a region means; raise ServerUnknown."""
    if region != "server":
        return REGIONS[region]
    if not settings.hosted.server:
        raise ServerUnknown("The region `server` means the one named in the settings.", field="region")
    return settings.hosted.server


def open_client(settings: Settings, key: OpenKey) -> BflClient:
    """Return a client that pays with a key."""
    return BflClient(key.secret, key.server, timeout_s=settings.hosted.timeout_seconds)


class Clients:
    """Clients that stay open, one for each key: a new one costs a tenth of a second and new connections."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._open: dict[tuple[OpenKey, float], BflClient] = {}

    def get(self, key: OpenKey) -> BflClient:
        """Return the client that pays with a key; any thread may use it."""
        wanted = key, self._settings.hosted.timeout_seconds
        with self._lock:
            if wanted not in self._open:
                self._open[wanted] = open_client(self._settings, key)
            return self._open[wanted]


class KeyService:
    """Adds, lists and removes keys, and opens them for the client."""

    def __init__(self, session: Session, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    def list_keys(self) -> list[HostedKey]:
        """Return the keys; stored ones first, oldest first."""
        keys = [self._show(row) for row in repository.list_keys(self._session)]
        if _from_settings(self._settings) is not None:
            region = self._settings.hosted.region
            server = REGIONS.get(region, self._settings.hosted.server)
            keys.append(HostedKey(name=FROM_SETTINGS, region=region, server=server, source="settings", created_at=None))
        return keys

    def test_and_add(self, create: HostedKeyCreate) -> tuple[HostedKey, float]:
        """Try a key and store it; return it and its credits. Asks the server before anything is locked."""
        key = OpenKey(create.name, server_of(self._settings, create.region), create.key.strip())
        if not key.secret.isascii() or not key.secret.isprintable() or " " in key.secret:
            raise InvalidInput("A key is one word of plain letters, digits and signs.", field="key")
        with open_client(self._settings, key) as client:
            left = client.credits()
        if create.name == FROM_SETTINGS or repository.find_key(self._session, create.name) is not None:
            raise KeyNameTaken(f"“{create.name}” is in use.", field="name")
        row = HostedKeyRow(
            id=new_id(),
            name=create.name,
            secret=self._settings.secrets.seal(key.secret),
            region=create.region,
            created_at=now(),
        )
        repository.add(self._session, row)
        audit.record(self._session, "key.added", "key", row.id, after={"region": row.region}, name=row.name)
        return self._show(row), left

    def remove(self, name: str) -> None:
        """Forget a key. Images it has paid for and that are still owed can't be asked for any more."""
        row = repository.find_key(self._session, name)
        if row is None:
            raise KeyUnknown(f"There is no stored key “{name[:60]}”.")
        repository.remove_key(self._session, row)
        audit.record(self._session, "key.removed", "key", row.id, {"region": row.region}, name=row.name)

    def open(self, name: str | None = None) -> OpenKey:
        """Return the named key, or the first one; raise KeyMissing, KeyUnknown or KeyUnreadable."""
        rows = repository.list_keys(self._session)
        row = next((each for each in rows if name in (None, each.name)), None)
        if row is not None:
            try:
                secret = self._settings.secrets.open(row.secret)
            except SecretLost as error:
                raise KeyUnreadable(f"“{row.name}”: {error}") from error
            return OpenKey(row.name, server_of(self._settings, row.region), secret)  # type: ignore[arg-type]
        own = _from_settings(self._settings)
        if own is not None and name in (None, FROM_SETTINGS):
            return OpenKey(FROM_SETTINGS, server_of(self._settings, self._settings.hosted.region), own)
        if name is not None:
            raise KeyUnknown(f"There is no key “{name[:60]}”.", field="key_name")
        raise KeyMissing("Hosted images are paid with a key of your account.")

    def _show(self, row: HostedKeyRow) -> HostedKey:
        return HostedKey.model_validate(
            {
                "name": row.name,
                "region": row.region,
                "server": REGIONS.get(row.region, self._settings.hosted.server),
                "source": "stored",
                "created_at": row.created_at,
            }
        )


def _from_settings(settings: Settings) -> str | None:
    own = settings.hosted.key
    return own.get_secret_value() if own is not None else os.environ.get("BFL_API_KEY") or None

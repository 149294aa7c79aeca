"""BFL's webhooks: what a request says so that they come, and whether one that came is genuine.

What they tell is only taken as a hint: the line they are about is asked for at once, with the key, as polling would
have done a moment later. So a forged or repeated one can do no harm, and one that never comes costs nothing.
"""

import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from fluxtune.backends.bfl.answers import read_json
from fluxtune.config import Settings
from fluxtune.core.errors import NotAllowed, NotFound
from fluxtune.hosted import ledger, repository

PATH = "/hooks/bfl"
MAX_BYTES = 256 * 1024
_SHA256 = "sha256="


class HookUnknown(NotFound):
    """No request of this studio was given this address."""

    title = "There is nothing here"


class HookForged(NotAllowed):
    """The signature is not that of the secret BFL was given."""

    title = "The signature is wrong"


class Hooks:
    """Makes and checks addresses and secrets. Both follow from the studio's key, so nothing of them is stored."""

    def __init__(self, settings: Settings) -> None:
        self._public_url = settings.hosted.public_url.rstrip("/")
        self._settings = settings

    @property
    def is_on(self) -> bool:
        """Return whether this studio can be reached from outside."""
        return bool(self._public_url)

    def fields_of(self, line_id: str) -> dict[str, str]:
        """Return what a request says so that its webhook finds the way; nothing where none can come."""
        if not self.is_on:
            return {}
        return {
            "webhook_url": f"{self._public_url}{PATH}/{line_id}/{self._token('address', line_id)}",
            "webhook_secret": self._token("secret", line_id),
        }

    def receive(self, session: Session, line_id: str, token: str, signature: str, body: bytes) -> bool:
        """Take note of a webhook; return whether it was news. Raises HookUnknown or HookForged.

        Duplicates, late ones and those of other tasks are genuine and no news.
        """
        if not _same(token, self._token("address", line_id)) or repository.find_line(session, line_id) is None:
            raise HookUnknown("No request was given this address.")
        secret = self._token("secret", line_id)
        signed = _SHA256 + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        # Documents of BFL contradict each other: one says that the secret itself comes back.
        if not (_same(signature, signed) or _same(signature, secret)):
            raise HookForged("It was not made with the secret of this request.")
        told = read_json(body)
        task_id = told.get("id") if isinstance(told, dict) else None
        return ledger.told(session, line_id, task_id if isinstance(task_id, str) and task_id else None)

    def _token(self, purpose: str, line_id: str) -> str:
        key = self._settings.secrets.derive("hosted webhooks")
        return hmac.new(key, f"{purpose}\n{line_id}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class News:
    """What webhooks have told of the lines of one ledger target."""

    hooks: Hooks
    reading: Callable[[], AbstractContextManager[Session]]
    target_id: str

    def fields_of(self, line_id: str) -> Mapping[str, str]:
        """Return what a request says so that its webhook comes."""
        return self.hooks.fields_of(line_id)

    def told(self) -> Collection[str]:
        """Return the lines of which there was news; nothing, at no cost, where none can come."""
        if not self.hooks.is_on:
            return ()
        with self.reading() as session:
            return repository.told_lines(session, self.target_id)


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())

"""Secrets at rest: what the database keeps of them is of no use without a key that lies elsewhere."""

import base64
import hashlib
import hmac
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


class SecretLost(Exception):
    """A stored secret can't be read: the key it was stored with is gone."""


class SecretBox:
    """Encrypts and decrypts with the key of a studio (Fernet: AES-128-CBC with HMAC-SHA256).

    The key is `secret_key` of the settings, which studios on several machines share, else a file that only the owner
    of the data folder may read, made when it is first needed.
    """

    def __init__(self, key_file: Path, key: SecretStr | None = None) -> None:
        self._key_file = key_file
        self._key = key

    def seal(self, secret: str) -> str:
        """Return the secret encrypted."""
        return self._fernet().encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return an encrypted secret; raise `SecretLost` if it was sealed with another key."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet().decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise SecretLost("It was stored with another key.") from error

    def derive(self, purpose: str) -> bytes:
        """Return a key for one purpose, 32 bytes: the same each time, and of no use to find the studio's own."""
        return hmac.new(self._bytes(), purpose.encode(), hashlib.sha256).digest()

    def _fernet(self) -> "Fernet":
        # Loading it takes longer than most commands, and few need it.
        from cryptography.fernet import Fernet

        return Fernet(self._bytes())

    def _bytes(self) -> bytes:
        if self._key is not None:
            return self._key.get_secret_value().encode()
        if not self._key_file.is_file():
            self._create(base64.urlsafe_b64encode(os.urandom(32)))  # what a Fernet key is
        return self._key_file.read_bytes()

    def _create(self, key: bytes) -> None:
        """Write the key so that it is there whole or not at all, and of two processes the first one's stays."""
        draft = self._key_file.with_name(f".{self._key_file.name}.{os.getpid()}.part")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, self._key_file)
        except FileExistsError:
            return
        finally:
            draft.unlink(missing_ok=True)

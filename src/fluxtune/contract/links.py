"""Links to results: whoever has one may fetch that image until it expires, without any key."""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlencode

from fluxtune.config import Settings
from fluxtune.contract.errors import LinkRefused

_PURPOSE = "links to results under /v1"
_LONGEST = 20
"""Digits of a time that are read at all."""


class LinkSigner:
    """Makes links and tells its own from others (HMAC-SHA256 over image, format and end of life)."""

    def __init__(self, settings: Settings) -> None:
        self._key = settings.secrets.derive(_PURPOSE)
        self._life = timedelta(seconds=settings.contract.link_seconds)

    def link(self, origin: str, image_id: str, form: str, at: datetime) -> str:
        """Return an absolute address that works for a while from `at`."""
        expires = str(int((at + self._life).timestamp()))
        query = urlencode({"expires": expires, "signature": self._sign(image_id, form, expires)})
        return f"{origin}/v1/samples/{image_id}.{form}?{query}"

    def check(self, image_id: str, form: str, expires: str, signature: str, at: datetime) -> None:
        """Raise `LinkRefused` unless the link was made here and has not expired."""
        given, wanted = signature.encode(), self._sign(image_id, form, expires).encode()
        if not hmac.compare_digest(given, wanted):
            raise LinkRefused("Its signature is not of this studio, or was changed.")
        if not expires.isdecimal() or len(expires) > _LONGEST or int(expires) < at.timestamp():
            raise LinkRefused(f"It has expired; links work for {self._life.total_seconds():.0f} seconds.")

    def _sign(self, image_id: str, form: str, expires: str) -> str:
        return hmac.new(self._key, f"{image_id}\n{form}\n{expires}".encode(), sha256).hexdigest()

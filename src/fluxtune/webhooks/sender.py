"""Sends what waits to be delivered: at least once, signed, with longer and longer waits, until it is given up.

A message is taken for a while before it leaves: a worker that dies over it leaves it to the next one, who sends it
again. Receivers know a repeated message by its `id`. The signature is the HMAC-SHA256 of the raw body with the secret
of the finetune; the body holds `sent_at`, so an old message that somebody kept can be told from a new one.
"""

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
import structlog

from fluxtune import __version__
from fluxtune.config import Settings
from fluxtune.config.secrets import SecretLost
from fluxtune.core.clock import now
from fluxtune.db import Database
from fluxtune.webhooks import repository
from fluxtune.webhooks.addresses import Resolver, Target, UrlRefused, find_target, resolve
from fluxtune.webhooks.tables import DeliveryRow

log = structlog.get_logger(__name__)

SIGNATURE = "x-fluxtune-signature"
GONE = 410
"""The receiver's own word for: never again."""
LEAST_ATTEMPTS = 4
"""A clock that jumps ahead must not make the first failure the last attempt."""
_LEASE_S = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt went."""

    is_delivered: bool
    status: int | None = None
    error: str | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """How messages of one kind look to programs that expect another product's."""

    signature_header: str
    body: Callable[[dict[str, Any], datetime], dict[str, Any]]
    """From the data of a message and the time it is sent at to what is sent."""


class WebhookSender:
    """Sends the deliveries of a database, one after the other.

    `shapes`: event types whose messages look otherwise than ours.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        look_up: Resolver = resolve,
        clock: Callable[[], datetime] = now,
        shapes: Mapping[str, Shape] | None = None,
    ) -> None:
        self._settings = settings.webhooks
        self._secrets = settings.secrets
        self._database = database
        self._look_up = look_up
        self._clock = clock
        self._shapes = dict(shapes or {})

    def send_next(self) -> bool:
        """Send what is due for longest; return whether anything was."""
        at = self._clock()
        lease = timedelta(seconds=_LEASE_S + 2 * self._settings.timeout_seconds)
        latest = at + timedelta(seconds=self._settings.retry_at_most_seconds) + lease
        with self._database.reading() as session:
            if not repository.is_any_due(session, at, latest):
                return False
        with self._database.transaction() as session:
            row = repository.take_due(session, at, at + lease, latest)
            if row is None:
                return False
            row.attempts += 1
        outcome = self._attempt(row, at)
        with self._database.transaction() as session:
            stored = repository.find_delivery(session, row.id)
            if stored is not None:
                self._store(stored, outcome)
        return True

    def is_any_new(self) -> bool:
        """Return whether something waits that was not attempted yet."""
        with self._database.reading() as session:
            return repository.is_any_new(session)

    def _attempt(self, row: DeliveryRow, at: datetime) -> Outcome:
        try:
            secret = self._secrets.open(row.secret) if row.secret is not None else None
        except SecretLost as error:
            return Outcome(False, error=f"The secret can't be read. {error}", is_final=True)
        try:
            target = find_target(row.url, allow_private=self._settings.allow_private, look_up=self._look_up)
        except UrlRefused as error:
            return Outcome(False, error=error.detail)
        shape = self._shapes.get(row.type)
        body = _json(shape.body(row.data, at)) if shape else body_of(row, at)
        headers = {
            "host": _host_header(target),
            "content-type": "application/json",
            "user-agent": f"fluxtune/{__version__}",
            "x-fluxtune-delivery": row.id,
            "x-fluxtune-event": row.type,
        }
        if secret is not None:
            headers[shape.signature_header if shape else SIGNATURE] = sign(body, secret)
        try:
            status = self._post(target, headers, body)
        except (httpx2.HTTPError, OSError) as error:
            return Outcome(False, error=f"{target.host} could not be reached: {error or type(error).__name__}.")
        if 200 <= status < 300:
            return Outcome(True, status)
        note = "; redirects are not followed" if 300 <= status < 400 else ""
        return Outcome(False, status, f"{target.host} answered with {status}{note}.", is_final=status == GONE)

    def _post(self, target: Target, headers: dict[str, str], body: bytes) -> int:
        """Send to the very address that was checked; of the answer only the status is read."""
        options: dict[str, Any] = {"extensions": {"sni_hostname": target.host}} if target.is_https else {}
        with (
            httpx2.Client(timeout=self._settings.timeout_seconds, trust_env=False, follow_redirects=False) as client,
            client.stream("POST", _address_url(target), headers=headers, content=body, **options) as response,
        ):
            return int(response.status_code)

    def _store(self, row: DeliveryRow, outcome: Outcome) -> None:
        at = self._clock()
        row.last_status, row.last_error = outcome.status, outcome.error
        if outcome.is_delivered:
            row.state, row.delivered_at = "delivered", at
            log.info("webhook delivered", delivery=row.id, target=row.target_id, attempts=row.attempts)
            return
        is_late = at >= row.gives_up_at and row.attempts >= LEAST_ATTEMPTS
        if outcome.is_final or is_late:
            row.state = "given-up"
            log.warning("webhook given up", delivery=row.id, target=row.target_id, error=outcome.error)
            return
        wait = min(self._settings.retry_seconds * 2 ** (row.attempts - 1), self._settings.retry_at_most_seconds)
        row.next_at = at + timedelta(seconds=wait)
        log.info("webhook not delivered; trying again", delivery=row.id, error=outcome.error, wait_s=wait)


def body_of(row: DeliveryRow, at: datetime) -> bytes:
    """Return the message as it is sent at a time."""
    message = {
        "id": row.id,
        "type": row.type,
        "created_at": row.created_at.isoformat(),
        "sent_at": at.isoformat(),
        "attempt": row.attempts,
        "finetune": row.data,
    }
    return _json(message)


def _json(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def sign(body: bytes, secret: str) -> str:
    """Return the signature of a raw body: receivers compute the same and compare."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _address_url(target: Target) -> str:
    address = f"[{target.address}]" if ":" in target.address else target.address
    return f"{'https' if target.is_https else 'http'}://{address}:{target.port}{target.path}"


def _host_header(target: Target) -> str:
    try:
        is_v6 = ipaddress.ip_address(target.host).version == 6
    except ValueError:
        is_v6 = False
    host = f"[{target.host}]" if is_v6 else target.host
    return host if target.port == (443 if target.is_https else 80) else f"{host}:{target.port}"

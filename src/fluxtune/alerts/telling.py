"""Tells people of alerts: a signed message to a webhook, a mail through a mail server."""

import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any

import structlog
from sqlalchemy.orm import Session

from fluxtune.alerts import repository
from fluxtune.alerts.tables import AlertRow
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.db import Database
from fluxtune.webhooks import service as webhooks
from fluxtune.webhooks.sender import SIGNATURE, Shape

log = structlog.get_logger(__name__)

EVENT = "alert.raised"
_TIMEOUT_S = 20.0
_LEASE = timedelta(minutes=5)
_FIRST_RETRY_S = 30.0
_ATTEMPTS = 8


def webhook_shape() -> Shape:
    """Return how messages about alerts look: the alert itself, and when it was sent."""

    def body(data: dict[str, Any], at: datetime) -> dict[str, Any]:
        return {"type": EVENT, "sent_at": at.isoformat(), "alert": data}

    return Shape(SIGNATURE, body)


class AlertTeller:
    """Queues webhooks of new alerts with the others, and sends their mails. One per worker; none is told twice."""

    def __init__(self, settings: Settings, database: Database, *, clock: Callable[[], datetime] = now) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock

    def tell(self) -> None:
        """Tell of everything that is due."""
        with self._database.reading() as session:
            is_any = bool(repository.list_new(session)) or repository.is_mail_due(session, self._clock())
        if not is_any:
            return
        with self._database.transaction() as session:
            repository.lock(session)
            for row in repository.list_new(session):
                self._queue(session, row)
        while self._send_next():
            pass

    def _queue(self, session: Session, row: AlertRow) -> None:
        wanted = self._settings.alerts
        if wanted.webhook_url:
            secret = wanted.webhook_secret
            sealed = self._settings.secrets.seal(secret.get_secret_value()) if secret else None
            patience = timedelta(hours=self._settings.webhooks.give_up_hours)
            webhooks.enqueue(session, row.id, EVENT, wanted.webhook_url, sealed, message_of(row), patience)
        row.mail_state = "waiting" if wanted.smtp_host and wanted.mail_to else "none"
        row.mail_next_at = self._clock() if row.mail_state == "waiting" else None

    def _send_next(self) -> bool:
        """Send the mail that is due; it is taken for a while first, so that two workers don't both send it."""
        with self._database.transaction() as session:
            row = repository.next_mail(session, self._clock())
            if row is None:
                return False
            row.mail_attempts += 1
            row.mail_next_at = self._clock() + _LEASE
            mail = write_mail(self._settings, row, self._clock())
        error: str | None = None
        try:
            send(self._settings, mail)
        except (OSError, smtplib.SMTPException) as problem:
            error = f"{self._settings.alerts.smtp_host}: {problem}"[:500]
            log.warning("mail about an alert could not be sent", error=error, alert=row.id)
        with self._database.transaction() as session:
            stored = repository.find(session, row.id)
            if stored is not None:
                self._store(stored, error)
        return True

    def _store(self, row: AlertRow, error: str | None) -> None:
        row.mail_error = error
        if error is None:
            row.mail_state, row.mail_next_at = "sent", None
        elif row.mail_attempts >= _ATTEMPTS:
            row.mail_state, row.mail_next_at = "given-up", None
        else:
            row.mail_next_at = self._clock() + timedelta(seconds=_FIRST_RETRY_S * 2**row.mail_attempts)


def message_of(row: AlertRow) -> dict[str, Any]:
    """Return an alert as other programs get it."""
    return {
        "id": row.id, "kind": row.kind, "target": row.target, "title": row.title, "detail": row.detail,
        "raised_at": row.raised_at.isoformat(),
    }  # fmt: skip


def write_mail(settings: Settings, row: AlertRow, at: datetime) -> EmailMessage:
    """Return the mail about an alert. Line breaks in a title, which may come from a user, can't add headers."""
    wanted = settings.alerts
    mail = EmailMessage()
    mail["Subject"] = f"fluxtune: {' '.join(row.title.split())}"[:200]
    mail["From"] = wanted.mail_from or wanted.mail_to[0]
    mail["To"] = ", ".join(wanted.mail_to)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = make_msgid(idstring=row.id, domain="fluxtune.invalid")
    mail["Auto-Submitted"] = "auto-generated"
    address = settings.contract.public_url or settings.hosted.public_url
    where = f"\n\n{address.rstrip('/')}/system/alerts" if address else "\n\nThe studio lists it under Admin, Alerts."
    mail.set_content(f"{row.title}\n\n{row.detail}{where}\n")
    return mail


def send(settings: Settings, mail: EmailMessage) -> None:
    """Hand a mail to the mail server of the settings. Raises `OSError` or `SMTPException`."""
    wanted = settings.alerts
    context = ssl.create_default_context()
    kind = smtplib.SMTP_SSL if wanted.smtp_security == "tls" else smtplib.SMTP
    options: dict[str, Any] = {"context": context} if kind is smtplib.SMTP_SSL else {}
    with kind(wanted.smtp_host, wanted.smtp_port, timeout=_TIMEOUT_S, **options) as server:
        if wanted.smtp_security == "starttls":
            server.starttls(context=context)
        if wanted.smtp_user:
            server.login(wanted.smtp_user, wanted.smtp_password.get_secret_value() if wanted.smtp_password else "")
        server.send_message(mail)

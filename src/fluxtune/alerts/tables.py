"""What needs somebody."""

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class AlertRow(Base):
    """Something that needs somebody: open until it is over, or until somebody has seen to it.

    What happens again while it is open counts up and tells nobody anew.
    """

    __tablename__ = "alert"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    # What it is about, to tell alerts of a kind apart: a cause, a server's id, a disk.
    target: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    count: Mapped[int] = mapped_column(default=1)
    raised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cleared_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    # Whether by somebody; else it was over by itself.
    cleared_by: Mapped[str | None] = mapped_column(String(120), default=None)
    # waiting, sent, given-up, or none where nobody wants mail.
    mail_state: Mapped[str] = mapped_column(String(16), index=True)
    mail_attempts: Mapped[int] = mapped_column(default=0)
    mail_next_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    mail_error: Mapped[str | None] = mapped_column(Text, default=None)

    __table_args__ = (Index("ix_alert_open", "kind", "target", "cleared_at"),)


class AlertCursorRow(Base):
    """Up to which event failed jobs were looked at. There is one row; who looks holds it, so that none counts twice."""

    __tablename__ = "alert_cursor"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int]

"""Backups that were begun from this studio. What a backup holds stands in its own folder, which outlives the studio."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class BackupRow(Base):
    """One backup: under way, made, or failed.

    While one is under way no file is removed for good, so that what the copied rows refer to is there to be copied.
    """

    __tablename__ = "backup"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    # "asked", "scheduled" or "command".
    origin: Mapped[str] = mapped_column(String(16))
    # Of a scheduled one: which, so that of several workers one begins it.
    slot: Mapped[str | None] = mapped_column(String(32), unique=True, default=None)
    # "waiting", "running", "done" or "failed".
    state: Mapped[str] = mapped_column(String(16))
    job_id: Mapped[str | None] = mapped_column(String(32), default=None)
    heartbeat_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    # Of the last verification: what was wrong, empty if nothing was.
    damage: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")

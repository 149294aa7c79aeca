"""What people may use, and what they have used."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class QuotaRow(Base):
    """Where one person's limits differ from everybody's (`schemas.Limits`)."""

    __tablename__ = "quota"

    person_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    limits: Mapped[dict[str, Any]] = mapped_column(JSON)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class UsageRow(Base):
    """How much of something a person has begun in a day ("2026-11-23") or month ("2026-11"), in UTC."""

    __tablename__ = "usage"

    person_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    what: Mapped[str] = mapped_column(String(16), primary_key=True)
    period: Mapped[str] = mapped_column(String(10), primary_key=True)
    amount: Mapped[int]

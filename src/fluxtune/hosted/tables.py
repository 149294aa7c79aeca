"""Keys, budgets, and one line for every paid request."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Float, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime

OWN_SERVER = "at:"
"""Before a server's id it takes the place of a key's name: no key begins like this, and nothing is paid there."""


class HostedKeyRow(Base):
    """A key of an account at BFL, or at another server that speaks its API."""

    __tablename__ = "hosted_key"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    # Encrypted; what opens it is not in the database.
    secret: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class HostedBudgetRow(Base):
    """What may be spent, in thousandths of a credit; empty means without limit. There is one row."""

    __tablename__ = "hosted_budget"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    per_request: Mapped[int | None] = mapped_column(default=None)
    per_day: Mapped[int | None] = mapped_column(default=None)
    per_month: Mapped[int | None] = mapped_column(default=None)


class LedgerRow(Base):
    """One paid request. Its id is the idempotency key: a line is sent at most once.

    Amounts are thousandths of a credit, whole numbers, so that sums are exact. `sent_at` is committed before the
    request leaves; a line that has it and no `task_id` may have been accepted without anybody knowing.
    """

    __tablename__ = "hosted_ledger"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    # What it is for: the id of a generation, and which of its images.
    target_id: Mapped[str] = mapped_column(String(32))
    slot: Mapped[int]
    attempt: Mapped[int] = mapped_column(default=1)
    key_name: Mapped[str] = mapped_column(String(60))
    endpoint: Mapped[str] = mapped_column(String(64))
    # reserved, submitted, ready, delivered, failed or unknown.
    state: Mapped[str] = mapped_column(String(16), index=True)
    estimate: Mapped[int]
    cost: Mapped[int | None] = mapped_column(default=None)
    is_settled: Mapped[bool] = mapped_column(default=False)
    input_mp: Mapped[float | None] = mapped_column(Float, default=None)
    output_mp: Mapped[float | None] = mapped_column(Float, default=None)
    task_id: Mapped[str | None] = mapped_column(String(200), default=None)
    polling_url: Mapped[str | None] = mapped_column(Text, default=None)
    image_id: Mapped[str | None] = mapped_column(String(32), default=None)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    # When a webhook said that there is news of the task; polling finds out which.
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)

    __table_args__ = (UniqueConstraint("target_id", "slot", "attempt"), Index("ix_hosted_ledger_newest", "id", "state"))

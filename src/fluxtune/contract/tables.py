"""What came in under `/v1`, beside the finetunes and generations it became."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class ContractTaskRow(Base):
    """One accepted request; its id is that of the finetune or generation it became."""

    __tablename__ = "contract_task"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    # finetune or generation.
    kind: Mapped[str] = mapped_column(String(16))
    endpoint: Mapped[str] = mapped_column(String(64))
    job_id: Mapped[str] = mapped_column(String(32))
    # The name of the token that was shown.
    actor: Mapped[str] = mapped_column(String(60))
    # As it was asked for, without images and secrets.
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    # What was done otherwise than asked for, and why.
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    # The address the program reached us by: links to results begin with it.
    origin: Mapped[str] = mapped_column(Text)
    webhook_url: Mapped[str | None] = mapped_column(Text, default=None)
    # Encrypted; the key is not in the database.
    webhook_secret: Mapped[str | None] = mapped_column(Text, default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # When it was seen to have ended, and its webhook written down; null while it counts as active.
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None, index=True)

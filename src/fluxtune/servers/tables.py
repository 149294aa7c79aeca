"""Servers one has added, and the models they are known to have."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class ServerRow(Base):
    """A server, and what it said of itself when it was asked last."""

    __tablename__ = "server"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    url: Mapped[str] = mapped_column(Text)
    # Encrypted; what opens it is not in the database.
    secret: Mapped[str] = mapped_column(Text)
    # What was discovered, as `Discovered`.
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Why it did not answer when it was asked last.
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ServerModelRow(Base):
    """A base or a finetune of a server, which images can be made with there."""

    __tablename__ = "server_model"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    server_id: Mapped[str] = mapped_column(ForeignKey("server.id"), index=True)
    # base or finetuned.
    kind: Mapped[str] = mapped_column(String(16))
    # What the server calls it: a base's name, or a finetune's id.
    remote_id: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(120))
    base: Mapped[str] = mapped_column(String(64))
    trigger_word: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("server_id", "kind", "remote_id"),)

"""Servers that describe images, and prompts that were edited."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class CaptionEndpointRow(Base):
    """A server that describes images; `secret` is its key, encrypted."""

    __tablename__ = "caption_endpoint"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    url: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(String(200))
    secret: Mapped[str | None] = mapped_column(Text, default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CaptionPromptRow(Base):
    """What captioners are asked for one mode, where it is not the usual."""

    __tablename__ = "caption_prompt"

    mode: Mapped[str] = mapped_column(String(16), primary_key=True)
    text: Mapped[str] = mapped_column(Text)

"""Recipes the user keeps under a name."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class TemplateRow(Base):
    """A named recipe: the settings it fixes; what it leaves open is chosen as always."""

    __tablename__ = "recipe_template"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    # Names are one name whatever their case.
    name_folded: Mapped[str] = mapped_column(String(240), unique=True)
    notes: Mapped[str] = mapped_column(Text, default="")
    base: Mapped[str | None] = mapped_column(String(64), default=None)
    mode: Mapped[str | None] = mapped_column(String(16), default=None)
    quality: Mapped[str | None] = mapped_column(String(16), default=None)
    recipe: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

"""Requests to make images."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class GenerationRow(Base):
    """One request, with every setting spelled out. How far it is stands in its job."""

    __tablename__ = "generation"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    job_id: Mapped[str] = mapped_column(String(32), index=True)
    prompt: Mapped[str] = mapped_column(Text)
    model_id: Mapped[str] = mapped_column(String(64), index=True)
    model_name: Mapped[str] = mapped_column(String(120))
    version_id: Mapped[str | None] = mapped_column(String(32), default=None)
    base: Mapped[str] = mapped_column(String(64))
    finetune_strength: Mapped[float] = mapped_column(Float)
    width: Mapped[int]
    height: Mapped[int]
    steps: Mapped[int]
    guidance: Mapped[float] = mapped_column(Float)
    seeds: Mapped[list[int]] = mapped_column(JSON)
    # What is asked of a hosted model: endpoint, name of the key that pays, and parameters by BFL's names.
    hosted: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GenerationImageRow(Base):
    """A finished image of a generation."""

    __tablename__ = "generation_image"

    generation_id: Mapped[str] = mapped_column(ForeignKey("generation.id"), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[str] = mapped_column(
        ForeignKey("image.id"), index=True, info={"lies_in": ("generation", "generation_id")}
    )

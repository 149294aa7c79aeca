"""Stored images, and the gallery of generated ones."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class ImageRow(Base):
    """One stored image. The original and its thumbnails are blobs under keys made from `sha256`."""

    __tablename__ = "image"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    origin: Mapped[str] = mapped_column(String(16))
    width: Mapped[int]
    height: Mapped[int]
    byte_count: Mapped[int]
    format: Mapped[str] = mapped_column(String(8))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    fingerprint: Mapped[str] = mapped_column(String(160))
    placeholder: Mapped[str] = mapped_column(Text)
    # Sharpness and the like (`imaging.Measures`); empty where an image was stored before it was measured.
    measures: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GalleryImageRow(Base):
    """A generated image in the gallery: its recipe, and what the user thinks of it."""

    __tablename__ = "gallery_image"

    image_id: Mapped[str] = mapped_column(
        ForeignKey("image.id"), primary_key=True, info={"lies_in": ("generation", "generation_id")}
    )
    model_id: Mapped[str] = mapped_column(String(64), index=True)
    generation_id: Mapped[str] = mapped_column(String(32), index=True)
    # Folded for searching by words; SQLite's own lower() knows ASCII only.
    prompt_folded: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    is_favourite: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)

    __table_args__ = (Index("ix_gallery_image_newest", "deleted_at", "image_id"),)

"""Datasets and the images in them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.core.clock import now
from fluxtune.db import Base, UtcDateTime


class DatasetRow(Base):
    """A named, ordered set of images with captions."""

    __tablename__ = "dataset"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    mode: Mapped[str] = mapped_column(String(16))
    trigger_word: Mapped[str] = mapped_column(String(60))
    notes: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(Text, default="", server_default="")
    licence: Mapped[str] = mapped_column(String(120), default="", server_default="")
    sample: Mapped[str | None] = mapped_column(String(64), default=None)
    # Where this dataset's check draws its lines, as far as they differ from the usual (`check_limits.CheckLimits`).
    check_limits: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class DatasetImageRow(Base):
    """An image in one dataset, with its caption there.

    `image_id` is the picture as it is trained on. Of an edited one, `original_id` is what it was made from and `edits`
    how (`schemas.Edits`), so that what is shown, checked, captioned and trained is the same picture everywhere.
    """

    __tablename__ = "dataset_image"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("dataset.id"))
    image_id: Mapped[str] = mapped_column(
        ForeignKey("image.id"), index=True, info={"lies_in": ("dataset", "dataset_id")}
    )
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(400))
    caption: Mapped[str] = mapped_column(Text, default="")
    caption_by: Mapped[str] = mapped_column(String(8), default="none")
    caption_source: Mapped[str | None] = mapped_column(String(120), default=None)
    # Each between line ends, as in "\nnight\nportrait\n": a tag is found by `contains`, on every database.
    tags: Mapped[str] = mapped_column(Text, default="", server_default="")
    notes: Mapped[str] = mapped_column(Text, default="", server_default="")
    source: Mapped[str] = mapped_column(Text, default="", server_default="")
    licence: Mapped[str] = mapped_column(String(120), default="", server_default="")
    repeats: Mapped[int] = mapped_column(default=1, server_default="1")
    edits: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    original_id: Mapped[str | None] = mapped_column(
        ForeignKey("image.id"), default=None, index=True, info={"lies_in": ("dataset", "dataset_id")}
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Set by every change, removal included: pages ask for what changed since they looked.
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)

    __table_args__ = (
        Index("ix_dataset_image_order", "dataset_id", "position"),
        Index("ix_dataset_image_changed", "dataset_id", "changed_at"),
    )


class CaptionStepRow(Base):
    """A change to many captions at once, or the work of a captioner: one entry of the history, undone as one.

    `state`: writing (a captioner is at it), done, undone, dropped (undone, and other steps came after). Steps are
    undone from the highest `turn` down. `notes` says of some images what did not go as wished: `[id, name, reason]`.
    """

    __tablename__ = "caption_step"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("dataset.id", ondelete="CASCADE"), index=True)
    job_id: Mapped[str | None] = mapped_column(String(32), index=True, default=None)
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(8))
    changed_count: Mapped[int] = mapped_column(default=0)
    notes: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    turn: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CaptionChangeRow(Base):
    """What one caption was and became; without a step it was typed, or came with a file."""

    __tablename__ = "caption_change"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    dataset_image_id: Mapped[str] = mapped_column(ForeignKey("dataset_image.id", ondelete="CASCADE"), index=True)
    step_id: Mapped[str | None] = mapped_column(ForeignKey("caption_step.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    before: Mapped[str] = mapped_column(Text)
    before_by: Mapped[str] = mapped_column(String(8))
    before_source: Mapped[str | None] = mapped_column(String(120))
    after: Mapped[str] = mapped_column(Text)
    after_by: Mapped[str] = mapped_column(String(8))
    after_source: Mapped[str | None] = mapped_column(String(120))

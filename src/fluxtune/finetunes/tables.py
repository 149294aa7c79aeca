"""Finetunes and what their runs said."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class FinetuneRow(Base):
    """What the user asked for. How far it is stands in its job."""

    __tablename__ = "finetune"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    job_id: Mapped[str] = mapped_column(String(32), index=True)
    name: Mapped[str] = mapped_column(String(120))
    dataset_id: Mapped[str] = mapped_column(String(32), index=True)
    dataset_name: Mapped[str] = mapped_column(String(120))
    # The frozen manifest: blobs never change, so this alone brings the training images back.
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSON)
    snapshot_hash: Mapped[str] = mapped_column(String(64))
    image_count: Mapped[int]
    base: Mapped[str] = mapped_column(String(64))
    mode: Mapped[str] = mapped_column(String(16))
    quality: Mapped[str] = mapped_column(String(16))
    trigger_word: Mapped[str] = mapped_column(String(60))
    recipe: Mapped[dict[str, Any]] = mapped_column(JSON)
    device: Mapped[str] = mapped_column(String(64), default="")
    seconds_per_step: Mapped[float | None] = mapped_column(default=None)
    loss: Mapped[float | None] = mapped_column(default=None)
    # Of the finished run: what estimates of later runs learn from.
    seconds: Mapped[float | None] = mapped_column(default=None)
    steps_done: Mapped[int] = mapped_column(default=0)
    peak_memory_bytes: Mapped[int | None] = mapped_column(default=None)
    is_stopping: Mapped[bool] = mapped_column(default=False)
    # Run events up to here are stored: a re-attached worker reads the run's file from its start.
    last_seq: Mapped[int] = mapped_column(default=0)
    model_id: Mapped[str | None] = mapped_column(String(32), default=None)
    cover_image_id: Mapped[str | None] = mapped_column(ForeignKey("image.id"), default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class LossPointRow(Base):
    """One measured step."""

    __tablename__ = "finetune_loss"

    finetune_id: Mapped[str] = mapped_column(ForeignKey("finetune.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    loss: Mapped[float]
    smoothed: Mapped[float]
    learning_rate: Mapped[float]
    grad_norm: Mapped[float]
    seconds_per_step: Mapped[float]


class FinetuneSampleRow(Base):
    """One sample image: prompt `row` at `step` (0 is the untouched base)."""

    __tablename__ = "finetune_sample"

    finetune_id: Mapped[str] = mapped_column(ForeignKey("finetune.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    prompt: Mapped[str] = mapped_column(Text)
    image_id: Mapped[str] = mapped_column(ForeignKey("image.id"))


class CheckpointRow(Base):
    """A saved state of a run: a folder in its run folder."""

    __tablename__ = "finetune_checkpoint"

    finetune_id: Mapped[str] = mapped_column(ForeignKey("finetune.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    folder: Mapped[str] = mapped_column(String(200))
    byte_count: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LogLineRow(Base):
    """One line of a run's log; `seq` is the number of the run event."""

    __tablename__ = "finetune_log"

    finetune_id: Mapped[str] = mapped_column(ForeignKey("finetune.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    level: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(Text)

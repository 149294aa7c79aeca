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
    # Of the run that is under way, as it last said.
    memory_bytes: Mapped[int | None] = mapped_column(default=None)
    device_load: Mapped[float | None] = mapped_column(default=None)
    # Run events up to here are stored: a re-attached worker reads the run's file from its start.
    last_seq: Mapped[int] = mapped_column(default=0)
    model_id: Mapped[str | None] = mapped_column(String(32), default=None)
    cover_image_id: Mapped[str | None] = mapped_column(
        ForeignKey("image.id"), default=None, index=True, info={"lies_in": ("finetune", "id")}
    )
    # No foreign key: a run outlives the one whose checkpoint it began with.
    parent_id: Mapped[str | None] = mapped_column(String(32), default=None, index=True)
    parent_step: Mapped[int | None] = mapped_column(default=None)
    # Where it trains, if that is not here; the name outlives the server. No foreign key, for the same reason.
    server_id: Mapped[str | None] = mapped_column(String(32), default=None)
    server_name: Mapped[str | None] = mapped_column(String(60), default=None)
    # Its id there. Committed when the server has said it; `sent_at` before anything leaves.
    remote_id: Mapped[str | None] = mapped_column(String(200), default=None)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    # What one draws with there.
    elsewhere_model_id: Mapped[str | None] = mapped_column(String(64), default=None)
    webhook_url: Mapped[str | None] = mapped_column(Text, default=None)
    # Encrypted; the key is not in the database.
    webhook_secret: Mapped[str | None] = mapped_column(Text, default=None)
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
    memory_bytes: Mapped[int | None] = mapped_column(default=None)
    device_load: Mapped[float | None] = mapped_column(default=None)


class ValidationRow(Base):
    """The validation loss at one step: fixed images, noise and noise levels, so that steps can be compared."""

    __tablename__ = "finetune_validation"

    finetune_id: Mapped[str] = mapped_column(ForeignKey("finetune.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    loss: Mapped[float]
    base_loss: Mapped[float | None]
    # Noise level as text → loss.
    by_sigma: Mapped[dict[str, Any]] = mapped_column(JSON)
    # "held-out" or "training": which images it was measured on.
    measured_on: Mapped[str] = mapped_column(String(16))
    image_count: Mapped[int]


class ImageLossRow(Base):
    """The mean loss of one training image (by its place in the snapshot) between two such reports."""

    __tablename__ = "finetune_image_loss"

    finetune_id: Mapped[str] = mapped_column(ForeignKey("finetune.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    loss: Mapped[float]
    count: Mapped[int]


class HealingRow(Base):
    """A trouble the run overcame by itself, and what it changed for that; `seq` is the number of the run event."""

    __tablename__ = "finetune_healing"

    finetune_id: Mapped[str] = mapped_column(ForeignKey("finetune.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[int]
    trouble: Mapped[str] = mapped_column(String(40))
    message: Mapped[str] = mapped_column(Text)
    # Setting → [before, after].
    changes: Mapped[dict[str, Any]] = mapped_column(JSON)
    goes_on_from: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class FinetuneSampleRow(Base):
    """One sample image: prompt `row` at `step` (0 is the untouched base)."""

    __tablename__ = "finetune_sample"

    finetune_id: Mapped[str] = mapped_column(ForeignKey("finetune.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    prompt: Mapped[str] = mapped_column(Text)
    image_id: Mapped[str] = mapped_column(
        ForeignKey("image.id"), index=True, info={"lies_in": ("finetune", "finetune_id")}
    )


class CheckpointRow(Base):
    """A saved state of a run: a folder in its run folder."""

    __tablename__ = "finetune_checkpoint"

    finetune_id: Mapped[str] = mapped_column(ForeignKey("finetune.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    folder: Mapped[str] = mapped_column(String(200))
    byte_count: Mapped[int] = mapped_column(info={"takes_room": ("finetune", "finetune_id")})
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LogLineRow(Base):
    """One line of a run's log; `seq` is the number of the run event."""

    __tablename__ = "finetune_log"

    finetune_id: Mapped[str] = mapped_column(ForeignKey("finetune.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    level: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(Text)


class ProbeRow(Base):
    """A few real steps of a recipe, measured before a finetune; what was measured stands in `result`."""

    __tablename__ = "finetune_probe"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    job_id: Mapped[str] = mapped_column(String(32), index=True)
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSON)
    base: Mapped[str] = mapped_column(String(64), index=True)
    mode: Mapped[str] = mapped_column(String(16))
    trigger_word: Mapped[str] = mapped_column(String(60))
    recipe: Mapped[dict[str, Any]] = mapped_column(JSON)
    # What decides time and memory of a step, hashed: a probe tells of every recipe with the same load.
    load_key: Mapped[str] = mapped_column(String(64), index=True)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

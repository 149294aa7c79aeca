"""Finetuned models, their versions, and where they are at BFL. Bases are folders, not rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class ModelRow(Base):
    """A finetuned model."""

    __tablename__ = "model"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    base: Mapped[str] = mapped_column(String(64))
    mode: Mapped[str] = mapped_column(String(16))
    trigger_word: Mapped[str] = mapped_column(String(60))
    notes: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    prompts: Mapped[list[str]] = mapped_column(JSON)
    tags: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    least_strength: Mapped[float] = mapped_column(default=0.0, server_default="0")
    most_strength: Mapped[float] = mapped_column(default=1.5, server_default="1.5")
    data_rights: Mapped[str] = mapped_column(String(16), default="unknown", server_default="unknown")
    data_licence: Mapped[str] = mapped_column(Text, default="", server_default="")
    # of an imported model: the file it came from
    provenance: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    # of a model that was finetuned here: by what, on what, with what; it outlives the finetune
    training: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    # No foreign key: versions name their model already. Empty, or of a version that is gone: the one trained furthest.
    default_version_id: Mapped[str | None] = mapped_column(String(32), default=None)
    cover_image_id: Mapped[str | None] = mapped_column(
        ForeignKey("image.id"), default=None, index=True, info={"lies_in": ("model", "id")}
    )
    # No foreign keys: a model outlives the finetune and the dataset it was made from.
    finetune_id: Mapped[str | None] = mapped_column(String(32), default=None, index=True)
    dataset_id: Mapped[str | None] = mapped_column(String(32), default=None)
    # All that words are looked for in, folded: SQLite's own lower() knows ASCII only. The name comes first, so that
    # this is also what lists by name are ordered by.
    searched: Mapped[str] = mapped_column(Text, default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)

    # A window of thousands, and what one can filter by, are read from these alone.
    __table_args__ = (
        Index("ix_model_newest", "deleted_at", "id"),
        Index("ix_model_facets", "deleted_at", "base", "mode"),
    )


class ModelVersionRow(Base):
    """One released adapter: a file under the data folder's models."""

    __tablename__ = "model_version"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    model_id: Mapped[str] = mapped_column(ForeignKey("model.id"), index=True)
    step: Mapped[int]
    label: Mapped[str] = mapped_column(String(120))
    byte_count: Mapped[int] = mapped_column(info={"takes_room": ("model", "model_id")})
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeploymentRow(Base):
    """Where a model is at BFL: the name it was given there, and what is known of that."""

    __tablename__ = "deployment"

    model_id: Mapped[str] = mapped_column(ForeignKey("model.id"), primary_key=True)
    # Which version was brought there; None for a model whose weights never were here.
    version_id: Mapped[str | None] = mapped_column(String(32), default=None)
    endpoint: Mapped[str] = mapped_column(String(64))
    finetune_id: Mapped[str] = mapped_column(String(200), index=True)
    key_name: Mapped[str | None] = mapped_column(String(60), default=None)
    # linked, found or missing, and since when it is that.
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    told: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, str]] = mapped_column(JSON)
    # The generation that was to show whether it answers.
    probe_id: Mapped[str | None] = mapped_column(String(32), default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

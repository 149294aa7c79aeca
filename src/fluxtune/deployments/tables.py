"""Images drawn here and at BFL, side by side."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class ParityRow(Base):
    """One check: the same prompts and seeds in both places. The images are those of ordinary generations."""

    __tablename__ = "parity"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    model_id: Mapped[str] = mapped_column(ForeignKey("model.id"), index=True)
    endpoint: Mapped[str] = mapped_column(String(64))
    finetune_id: Mapped[str] = mapped_column(String(200))
    strength: Mapped[float]
    width: Mapped[int]
    height: Mapped[int]
    # One a prompt: the prompt, and the generations here and there.
    parts: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

"""Settings as they were changed in the browser, and every change there was."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class AdjustmentRow(Base):
    """The value a setting was given in the browser; without a row it has the file's, the environment's, or its own."""

    __tablename__ = "adjustment"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    # {"value": plain JSON}, of a secret {"sealed": encrypted}.
    value: Mapped[dict[str, Any]] = mapped_column(JSON)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(120))


class AdjustmentChangeRow(Base):
    """One change of one or more settings. The highest id tells whether anything changed since somebody looked."""

    __tablename__ = "adjustment_change"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    # [{"key": …, "before": as above or null, "after": as above or null}]; null is: no value from the browser.
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    # "change", "import" or "undo".
    kind: Mapped[str] = mapped_column(String(8))
    actor_id: Mapped[str] = mapped_column(String(64))
    actor_name: Mapped[str] = mapped_column(String(120))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    undone_by: Mapped[int | None] = mapped_column(default=None)

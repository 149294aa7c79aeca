"""Health reports of finetunes, and the images drawn for them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class HealthReportRow(Base):
    """The newest report of a finetune, and the job that measures it."""

    __tablename__ = "health_report"

    finetune_id: Mapped[str] = mapped_column(String(32), ForeignKey("finetune.id"), primary_key=True)
    job_id: Mapped[str] = mapped_column(String(32), index=True)
    # None until a check has ended well; a later check replaces it only when it ends well, too.
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    measured_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class HealthImageRow(Base):
    """One image of a report, by its file name in the run's health folder."""

    __tablename__ = "health_image"

    finetune_id: Mapped[str] = mapped_column(String(32), ForeignKey("finetune.id"), primary_key=True)
    file: Mapped[str] = mapped_column(String(200), primary_key=True)
    image_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("image.id"), index=True, info={"lies_in": ("finetune", "finetune_id")}
    )

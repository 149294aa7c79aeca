"""What administrators have decided about features."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class FlagSettingRow(Base):
    """A feature that is not as it is by default; without a row it is."""

    __tablename__ = "flag_setting"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    state: Mapped[str] = mapped_column(String(8))
    roles: Mapped[list[str]]
    people: Mapped[list[str]]
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(120))

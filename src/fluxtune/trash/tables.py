"""Files whose rows are gone, until they are gone, too."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class LeftoverRow(Base):
    """A blob or a folder that nothing refers to any more, written down in the transaction that removed the last row."""

    __tablename__ = "leftover"

    # A blob's key, or a path in the data folder.
    path: Mapped[str] = mapped_column(String(300), primary_key=True)
    # "blobs" or "data".
    place: Mapped[str] = mapped_column(String(8))
    # Of a blob: the content it was made for, so that storing the same content again keeps it.
    sha256: Mapped[str | None] = mapped_column(String(64), default=None, index=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)

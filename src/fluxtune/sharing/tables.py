"""Owners of things, and the people they are shared with."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class OwnershipRow(Base):
    """Whose a thing is. Things without a row were made before there were people: they are everyone's.

    `everyone` is what all people may do with it: "" (nothing), "see" or "change".
    """

    __tablename__ = "ownership"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    thing_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(32))
    everyone: Mapped[str] = mapped_column(String(8), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_ownership_owner", "owner_id", "kind", "thing_id"),)


class ShareRow(Base):
    """What one person may do with a thing of somebody else's: "see" or "change"."""

    __tablename__ = "share"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    thing_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    may: Mapped[str] = mapped_column(String(8))

    __table_args__ = (Index("ix_share_person", "person_id", "kind", "thing_id"),)

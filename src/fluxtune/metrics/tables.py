"""Measures over time, at three grains, and totals since the beginning."""

from datetime import datetime

from sqlalchemy import JSON, Float, String
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class MetricPointRow(Base):
    """What was seen of a measure in one stretch of time: `grain` seconds from `at` on.

    Coarser grains are written along with the finest, so that nothing has to be summed up later, and are kept longer.
    """

    __tablename__ = "metric_point"

    grain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    label: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    total: Mapped[float] = mapped_column(Float)
    most: Mapped[float] = mapped_column(Float)
    last: Mapped[float] = mapped_column(Float)
    # How many in each bucket of `catalogue.BOUNDS`; empty where there are none.
    buckets: Mapped[list[int]] = mapped_column(JSON)


class MetricTotalRow(Base):
    """Everything ever seen of a measure of the whole studio: what Prometheus calls a counter."""

    __tablename__ = "metric_total"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    label: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    total: Mapped[float] = mapped_column(Float)
    most: Mapped[float] = mapped_column(Float)
    last: Mapped[float] = mapped_column(Float)
    buckets: Mapped[list[int]] = mapped_column(JSON)


class MetricCursorRow(Base):
    """Up to which event jobs are counted. There is one row; who writes measures holds it, one at a time."""

    __tablename__ = "metric_cursor"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(default=0)
    # When everything of the data folder was last counted, and when old points were last removed.
    sized_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    pruned_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)

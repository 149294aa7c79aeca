"""Jobs, what happened to them, and the workers that run them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class JobRow(Base):
    """A durable unit of background work.

    `lane` says what it needs to run: the device, which one job holds at a time, or only the network.
    `worker_id` names the worker that took the job, `owner` that worker's process while it runs it. `request` is what
    the user asked of a running job and what it has not obeyed yet; `wishes` are small things asked for that don't end
    it. Queued jobs run by `round`, then by `turn`, lowest first: numbers and not times, so that jobs can be moved and
    clocks may jump. In each round everybody who waits has one job; `actor_id` says whose it is.
    """

    __tablename__ = "job"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(Text)
    target_id: Mapped[str] = mapped_column(String(64), index=True)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    lane: Mapped[str] = mapped_column(String(16), default="device", server_default="device")
    state: Mapped[str] = mapped_column(String(16), index=True)
    phase: Mapped[str] = mapped_column(String(40), default="")
    step: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int] = mapped_column(default=0)
    eta_s: Mapped[float | None] = mapped_column(default=None)
    request: Mapped[str | None] = mapped_column(String(16), default=None)
    wishes: Mapped[list[str]] = mapped_column(JSON, default=list)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    attempt: Mapped[int] = mapped_column(default=0)
    worker_id: Mapped[str | None] = mapped_column(String(64), default=None)
    owner: Mapped[str | None] = mapped_column(String(200), default=None)
    actor_id: Mapped[str] = mapped_column(String(64), default="local", server_default="local")
    round: Mapped[int] = mapped_column(default=0, server_default="0")
    turn: Mapped[int] = mapped_column(default=0, index=True)
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class JobEventRow(Base):
    """Something that happened to a job. Rows are only ever added; the id is the place in the stream."""

    __tablename__ = "job_event"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"))
    type: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)

    # AUTOINCREMENT: an id is never given out twice, so a stream can always be resumed after it.
    __table_args__ = (Index("ix_job_event_job", "job_id", "id"), {"sqlite_autoincrement": True})


class WorkerRow(Base):
    """A process that runs jobs, with a sign of life."""

    __tablename__ = "worker"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime] = mapped_column(UtcDateTime)

"""Lines of the log as the API shows them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

LogLevel = Literal["debug", "info", "warning", "error", "critical"]


class LogRecord(BaseModel):
    """One line: `process` wrote it, `part` is the package it comes from, `rest` what else stands in it."""

    id: str
    at: datetime | None
    level: LogLevel
    process: str
    part: str
    logger: str
    event: str
    job_id: str | None
    request_id: str | None
    exception: str | None
    rest: dict[str, Any]


class LogPage(BaseModel):
    """The newest lines that were asked for, newest first, and the parts that have written any lately.

    `is_all` says that nothing older matches; else there may be more than was looked through.
    """

    lines: list[LogRecord]
    parts: list[str]
    is_all: bool

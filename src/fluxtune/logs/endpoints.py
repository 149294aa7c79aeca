"""The log, read back in the browser."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from fluxtune.config import Settings, get_settings
from fluxtune.config.redaction import Redactor
from fluxtune.logs import reading
from fluxtune.logs.schemas import LogLevel, LogPage

router = APIRouter(prefix="/api", tags=["logs"])

SettingsDep = Annotated[Settings, Depends(get_settings)]


@router.get("/logs", summary="Read the log")
def read_log(
    settings: SettingsDep,
    level: Annotated[LogLevel, Query(description="Least severe line.")] = "debug",
    part: Annotated[str, Query(description="A part of the program, as jobs, or a process, as worker.")] = "",
    job_id: Annotated[str, Query(max_length=64)] = "",
    request_id: Annotated[str, Query(max_length=64)] = "",
    words: Annotated[str, Query(max_length=200, description="All of them stand in the line.")] = "",
    limit: Annotated[int, Query(ge=1, le=reading.MOST)] = 200,
) -> LogPage:
    """Return the newest lines of this computer's log that match, newest first. No secret is ever among them."""
    wanted = reading.Wanted(level, part, job_id, request_id, words)
    return reading.read(settings.paths, wanted, limit, Redactor(settings))

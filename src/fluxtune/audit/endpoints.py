"""The audit log."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from fluxtune.audit import service
from fluxtune.audit.repository import Wanted
from fluxtune.audit.schemas import AuditFilters, AuditPage, AuditVerification
from fluxtune.audit.service import Format
from fluxtune.core.clock import Moment
from fluxtune.core.errors import Problem
from fluxtune.db import Database, get_database, get_session

SessionDep = Annotated[Session, Depends(get_session, scope="function")]
Text = Annotated[str | None, Query(max_length=200)]
MomentOrNone = Annotated[Moment | None, Query()]
Before = Annotated[int | None, Query(ge=1, le=2**53, description="Number of the last entry of the page before.")]
Limit = Annotated[int, Query(ge=1, le=500)]

Responses = dict[int | str, dict[str, Any]]

INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}
EXPORT: Responses = {
    200: {"content": {"application/x-ndjson": {}, "text/csv": {}}, "description": "The log, oldest entry first."}
}
_MEDIA = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}

router = APIRouter(prefix="/api/audit", tags=["audit"], responses=INVALID)


def get_wanted(
    action: Text = None,
    kind: Text = None,
    actor_id: Text = None,
    target_id: Text = None,
    query: Annotated[str, Query(max_length=200, description="Words that all occur in action, name or id.")] = "",
    since: MomentOrNone = None,
    until: MomentOrNone = None,
) -> Wanted:
    """Return which entries are asked for."""
    return Wanted(action, kind, actor_id, target_id, since, until, query.split()[:10])


WantedDep = Annotated[Wanted, Depends(get_wanted)]


@router.get("")
def list_audit_entries(session: SessionDep, wanted: WantedDep, before: Before = None, limit: Limit = 50) -> AuditPage:
    """List who changed what, newest first."""
    return service.list_entries(session, wanted, before, limit)


@router.get("/filters")
def list_audit_filters(session: SessionDep) -> AuditFilters:
    """List the actions and people that occur in the log."""
    return service.list_filters(session)


@router.get("/verification")
def verify_audit_log(
    session: SessionDep,
    head: Annotated[str | None, Query(max_length=64, description="A hash noted earlier, which must be in it.")] = None,
) -> AuditVerification:
    """Go through the whole log and say whether anything in it was changed, inserted or removed."""
    return service.verify(session, head)


@router.get("/export", response_class=StreamingResponse, responses=EXPORT)
def export_audit_log(
    database: Annotated[Database, Depends(get_database)], wanted: WantedDep, format: Format = "jsonl"
) -> StreamingResponse:
    """Download the log."""

    def lines() -> Iterator[str]:
        with database.reading() as session:
            yield from service.export(session, wanted, format)

    headers = {"content-disposition": f'attachment; filename="fluxtune-audit.{format}"'}
    return StreamingResponse(lines(), media_type=_MEDIA[format], headers=headers)

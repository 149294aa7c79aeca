"""Measures over time, for the page that plots them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session

from fluxtune.db import get_session
from fluxtune.metrics import service
from fluxtune.metrics.schemas import MetricPage
from fluxtune.metrics.service import Range

router = APIRouter(prefix="/api", tags=["metrics"])

SessionDep = Annotated[Session, Depends(get_session, scope="function")]


@router.get("/metrics", summary="Measures over time")
def get_metrics(
    session: SessionDep,
    span: Annotated[Range, Query(alias="range", description="How far back.")] = "day",
    name: Annotated[list[str] | None, Query(description="Only these measures.", max_length=50)] = None,
) -> MetricPage:
    """Return queue, jobs, speed, answers, errors, spend, storage and load, as a plot can show them."""
    return service.read(session, span, name)

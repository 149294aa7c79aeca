"""Measures over time, for the page that plots them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from fluxtune.config import Settings, get_settings
from fluxtune.db import get_session
from fluxtune.metrics import service
from fluxtune.metrics.schemas import MetricPage
from fluxtune.metrics.service import Range
from fluxtune.metrics.sources import Sample, host, watch_computer, watch_queue

router = APIRouter(prefix="/api", tags=["metrics"])

scrape_router = APIRouter(tags=["metrics"])

SessionDep = Annotated[Session, Depends(get_session, scope="function")]
SettingsDep = Annotated[Settings, Depends(get_settings)]


@router.get("/metrics", summary="Measures over time")
def get_metrics(
    session: SessionDep,
    span: Annotated[Range, Query(alias="range", description="How far back.")] = "day",
    name: Annotated[list[str] | None, Query(description="Only these measures.", max_length=50)] = None,
) -> MetricPage:
    """Return queue, jobs, speed, answers, errors, spend, storage and load, as a plot can show them."""
    return service.read(session, span, name)


@scrape_router.get("/metrics", summary="Measures for Prometheus", response_class=Response)
def scrape(request: Request, session: SessionDep, settings: SettingsDep) -> Response:
    """Return all measures in Prometheus' text format.

    Those of requests and of the computer are this server's, those of jobs and images the whole studio's.
    """
    # Only who is scraped pays for loading the library that writes the format.
    from fluxtune.metrics import prometheus

    listeners = Sample("listeners", host(), request.app.state.event_tail.listener_count)
    samples = [*watch_computer(settings), *watch_queue(session), listeners]
    return Response(prometheus.write(session, samples), media_type=prometheus.CONTENT_TYPE)

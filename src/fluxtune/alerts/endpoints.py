"""What needs somebody."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from fluxtune.alerts import service
from fluxtune.alerts.schemas import Alert
from fluxtune.core.errors import Problem
from fluxtune.db import get_session

router = APIRouter(prefix="/api", tags=["alerts"])

SessionDep = Annotated[Session, Depends(get_session, scope="function")]


@router.get("/alerts", summary="List alerts, newest first")
def list_alerts(session: SessionDep, is_open: bool = False) -> list[Alert]:
    """Return alerts, newest first; `is_open` leaves out what is over."""
    return service.list_(session, is_open=is_open)


@router.post("/alerts/{alert_id}/clearing", summary="Say that an alert is seen to", responses={404: {"model": Problem}})
def clear_alert(session: SessionDep, alert_id: str) -> Alert:
    """End an alert; should the same happen again, it is a new one."""
    return service.clear_by_hand(session, alert_id)


@router.post("/alerts/trial", summary="Raise an alert to try who is told")
def try_alert(session: SessionDep) -> Alert:
    """Raise an alert that says it is a trial: within a minute it is sent to whoever is told of real ones."""
    return service.raise_trial(session)

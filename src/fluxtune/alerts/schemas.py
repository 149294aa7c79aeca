"""Alerts as the API shows them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

AlertKind = Literal["job-failed", "budget", "disk", "backend-down", "backup", "test"]
MailState = Literal["new", "waiting", "sent", "given-up", "none"]


class Alert(BaseModel):
    """Something that needs somebody; `cleared_by` is empty where it was over by itself."""

    id: str
    kind: AlertKind
    target: str
    title: str
    detail: str
    count: int
    raised_at: datetime
    last_at: datetime
    cleared_at: datetime | None
    cleared_by: str | None
    mail_state: MailState
    mail_error: str | None

"""Webhook deliveries as the API shows them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

DeliveryState = Literal["waiting", "delivered", "given-up"]


class Delivery(BaseModel):
    """How far a message to another program is."""

    id: str
    type: str
    state: DeliveryState
    attempts: int
    last_status: int | None
    last_error: str | None
    created_at: datetime
    next_at: datetime | None
    gives_up_at: datetime
    delivered_at: datetime | None

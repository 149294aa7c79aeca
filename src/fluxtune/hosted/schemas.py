"""Keys, budgets and the ledger as the API shows them. Amounts are in credits; one credit is a US cent."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from fluxtune.backends.bfl.endpoints import Stage
from fluxtune.backends.bfl.prices import Confidence
from fluxtune.core.errors import Problem

Region = Literal["global", "eu", "us", "server"]
LineState = Literal["reserved", "submitted", "ready", "delivered", "failed", "unknown"]


class HostedKeyCreate(BaseModel):
    """A key to add. It is tried at once, kept encrypted, and never shown again."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$", title="Name")
    key: str = Field(min_length=1, max_length=500, title="Key", repr=False)
    region: Region = Field("global", title="Region")


class HostedKey(BaseModel):
    """A key: everything but the key. The first of the list pays when none is named."""

    name: str
    region: Region
    server: str
    source: Literal["stored", "settings"]
    created_at: datetime | None


class HostedAccount(BaseModel):
    """What an account says when it is asked with a key: the credits left, or why it does not say."""

    key: HostedKey
    credits: float | None
    error: Problem | None


class Budget(BaseModel):
    """What may be spent, in credits; null means without limit. From four fifths on there is a warning."""

    per_request: float | None = Field(None, ge=0, le=10_000_000, title="One request")
    per_day: float | None = Field(None, ge=0, le=10_000_000, title="A day")
    per_month: float | None = Field(None, ge=0, le=10_000_000, title="A month")


class HostedStatus(BaseModel):
    """Keys, budget, and what was spent (days and months are UTC)."""

    keys: list[HostedKey]
    budget: Budget
    spent_today: float
    spent_this_month: float
    not_delivered: int


class HostedModel(BaseModel):
    """A hosted endpoint as something to generate with. `parameters` is the JSON Schema of what it takes."""

    id: str
    title: str
    description: str
    stage: Stage
    since: str | None
    replaced_by: str | None
    note: str
    parameters: dict[str, Any] | None
    image_fields: list[str]
    max_images: int
    needs_image: bool
    has_seed: bool
    takes_finetune: bool
    price: float | None
    price_confidence: Confidence | None
    price_source: str


class LedgerLine(BaseModel):
    """One paid request. `cost` is null until BFL has told it."""

    id: str
    generation_id: str
    slot: int
    attempt: int
    key_name: str
    model_id: str
    state: LineState
    estimate: float
    cost: float | None
    is_settled: bool
    task_id: str | None
    image_id: str | None
    error: Problem | None
    created_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None


class LedgerPage(BaseModel):
    """Some lines, newest first; `next_before` asks for the page after it."""

    lines: list[LedgerLine]
    next_before: str | None

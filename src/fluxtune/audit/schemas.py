"""What the audit log shows."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class AuditEntry(BaseModel):
    """Who changed what, when."""

    model_config = ConfigDict(from_attributes=True)

    number: int = Field(description="1, 2, 3, … without gaps.")
    at: datetime
    actor_id: str
    actor: str = Field(description="The person's, program's or key's name at that time.")
    action: str = Field(description="What was done: `flag.changed`.")
    kind: str = Field(description="What kind of thing it was done to.")
    target_id: str
    name: str = Field(description="What the thing was called at that time.")
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    hash: str = Field(description="SHA-256 of this entry and of the hash before it.")


class AuditPage(BaseModel):
    """Entries, newest first."""

    entries: list[AuditEntry]
    next_before: int | None = Field(description="Ask with `before` this number for the page after; null on the last.")


class AuditActor(BaseModel):
    """Somebody who is in the log."""

    id: str
    name: str


class AuditFilters(BaseModel):
    """What one can filter the log by: what occurs in it."""

    actions: list[str]
    actors: list[AuditActor]


class AuditVerification(BaseModel):
    """Whether the log is as it was written."""

    is_whole: bool
    entries: int = Field(description="How many entries were checked.")
    head: str = Field(description="The hash of the last entry. Noted elsewhere, it proves the log up to it.")
    first_bad: int | None = Field(description="The first entry that does not fit.")
    reason: str = Field(description="What is wrong with it; empty if nothing is.")

"""Limits, and how much of them is used."""

from datetime import datetime

from pydantic import BaseModel, Field


class Limits(BaseModel):
    """What somebody may use; null is without limit.

    Of one person only what is given counts; the rest is as for everybody. Days and months are those of UTC.
    """

    images_per_day: int | None = Field(None, ge=0, le=1_000_000, description="Images begun in a day.")
    finetunes_at_once: int | None = Field(
        None, ge=0, le=10_000, description="Finetunes that wait, run or are paused at the same time."
    )
    finetunes_per_month: int | None = Field(None, ge=0, le=100_000, description="Finetunes begun in a month.")
    storage_bytes: int | None = Field(
        None, ge=0, le=2**53, description="Bytes of images, models and checkpoints that are theirs."
    )
    hosted_usd_per_month: float | None = Field(
        None, ge=0, le=1_000_000, description="US dollars for hosted images in a month."
    )


class Usage(BaseModel):
    """How much somebody uses now, under the names of the limits."""

    images_per_day: int
    finetunes_at_once: int
    finetunes_per_month: int
    storage_bytes: int
    hosted_usd_per_month: float


class OwnQuota(BaseModel):
    """What who asks may use and has used."""

    limits: Limits
    usage: Usage


class PersonQuota(OwnQuota):
    """Limits and usage of one person: `own` is what differs from everybody's, by name; null there is without limit."""

    person_id: str
    name: str
    role: str
    own: dict[str, float | None]
    changed_at: datetime | None


class Quotas(BaseModel):
    """Everybody's limits, and every person."""

    everybody: Limits
    people: list[PersonQuota]

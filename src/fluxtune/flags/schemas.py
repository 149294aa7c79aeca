"""Feature flags as the API shows them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from fluxtune.core.actor import Role
from fluxtune.core.clock import Moment
from fluxtune.flags.registry import FlagName

FlagState = Literal["on", "off", "some"]


class FlagChange(BaseModel):
    """For whom a feature is on. With `until`, it is as it is by default from then on."""

    state: FlagState = Field(description="`some`: only for those roles and people.")
    roles: list[Role] = Field(default_factory=list, max_length=4)
    people: list[Annotated[str, Field(max_length=64, pattern="^[0-9a-z]+$")]] = Field(
        default_factory=list, max_length=500, description="Ids of people."
    )
    until: Moment | None = None


class FlagInfo(BaseModel):
    """A feature, and for whom it is on now."""

    name: FlagName
    title: str
    what: str
    default: bool
    since: str = Field(description="The version that could switch it first.")
    state: FlagState
    roles: list[Role]
    people: list[str]
    until: datetime | None
    is_changed: bool = Field(description="Whether it is not as it is by default.")
    is_on: bool = Field(description="Whether it is on for whoever asks.")
    changed_at: datetime | None
    changed_by: str | None

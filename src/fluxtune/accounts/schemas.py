"""Tokens as the API shows them."""

from datetime import datetime

from pydantic import BaseModel, Field


class ApiToken(BaseModel):
    """A key of a program that uses `/v1`. The token itself is shown once, when it is made."""

    id: str
    name: str
    ending: str = Field(description="The last characters of the token.")
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class ApiTokenCreate(BaseModel):
    """What to call a new token."""

    name: str = Field(min_length=1, max_length=60)


class NewApiToken(ApiToken):
    """A token that was just made, with what the program must show."""

    token: str

"""People, sessions and tokens as the API shows them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from fluxtune.core.actor import Role

Scope = Literal["v1", "read", "create", "train", "administer"]
PersonState = Literal["invited", "active", "disabled"]
Email = Annotated[
    str,
    Field(
        min_length=3,
        max_length=254,
        pattern=r"^[^\s@<>\"]+@[^\s@<>\"]+$",
        description="E-mail address; upper and lower case are the same.",
    ),
]
PersonName = Annotated[str, Field(min_length=1, max_length=80, description="What others see.")]


class ApiToken(BaseModel):
    """A key of a program. The token itself is shown once, when it is made."""

    id: str
    name: str
    ending: str = Field(description="The last characters of the token.")
    scopes: list[Scope] = Field(description="What it may do, as far as its owner may; `v1` is everything under /v1.")
    owner: str = Field(description="Whose it is; empty is the local owner.")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class ApiTokenCreate(BaseModel):
    """What to call a new token, what it may do, and for how long."""

    name: str = Field(min_length=1, max_length=60)
    scopes: list[Scope] = Field(["v1"], min_length=1, max_length=5)
    days: int | None = Field(None, ge=1, le=3_650, description="Valid for so long; empty: until it is revoked.")


class NewApiToken(ApiToken):
    """A token that was just made, with what the program must show."""

    token: str


class Person(BaseModel):
    """Somebody who may sign in."""

    id: str
    email: str
    name: str
    role: Role
    state: PersonState
    created_at: datetime
    last_seen_at: datetime | None
    invited_until: datetime | None = Field(description="Until when a link made for them can be used.")


class PersonEntry(BaseModel):
    """What anybody may know of the others, to share things with them."""

    id: str
    name: str


class PersonCreate(BaseModel):
    """Whom to invite, and as what."""

    email: Email
    name: PersonName
    role: Role = "creator"


class PersonUpdate(BaseModel):
    """What to change of a person; `disabled` signs them out everywhere and refuses their tokens."""

    name: PersonName | None = None
    role: Role | None = None
    state: Literal["active", "disabled"] | None = None


class Invitation(BaseModel):
    """A link that lets a person set their password, once: open `/invitation#token`. It is shown this once."""

    person: Person
    token: str
    expires_at: datetime


class InvitationToken(BaseModel):
    """What stands behind the `#` of the link."""

    token: str = Field(max_length=200)


class InvitationFacts(BaseModel):
    """Whom a link is for."""

    email: str
    name: str
    role: Role
    is_new: bool = Field(description="Whether it is the first password, not a new one.")
    expires_at: datetime


class InvitationAcceptance(InvitationToken):
    """The password a person chose; `name` if they want another one shown."""

    password: SecretStr
    name: PersonName | None = None


class FirstAdministrator(BaseModel):
    """Who looks after a studio that had no accounts."""

    email: Email
    name: PersonName
    password: SecretStr


class PasswordSignIn(BaseModel):
    """Who signs in."""

    email: str = Field(max_length=254)
    password: SecretStr


class PasswordChange(BaseModel):
    """A new password, and the one it replaces."""

    current: SecretStr
    password: SecretStr


class SignedInBrowser(BaseModel):
    """A session: a browser that is signed in."""

    id: str
    device: str = Field(description="What the browser calls itself.")
    address: str = Field(description="Where it signed in from.")
    created_at: datetime
    last_seen_at: datetime | None
    expires_at: datetime
    is_this: bool


class Ended(BaseModel):
    """How many sessions were ended."""

    count: int

"""People, signed-in browsers, links that sign in or invite, and tokens of programs. Only hashes are stored."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fluxtune.db import Base, UtcDateTime


class PersonRow(Base):
    """Somebody who may sign in. On loopback there is nobody: the local owner needs no row."""

    __tablename__ = "person"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    # In small letters.
    email: Mapped[str] = mapped_column(String(254), index=True, unique=True)
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(16))
    # argon2id with its parameters; None until the invitation is accepted.
    password_hash: Mapped[str | None] = mapped_column(String(255), default=None)
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class InvitationRow(Base):
    """A link by which a person sets their password, once: the first one, or a new one."""

    __tablename__ = "invitation"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SessionRow(Base):
    """A signed-in browser or program."""

    __tablename__ = "user_session"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    # What it is listed and ended by.
    id: Mapped[str] = mapped_column(String(32), index=True, unique=True)
    actor: Mapped[str] = mapped_column(String(120))
    # None: the local owner.
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), index=True, default=None)
    # What the browser calls itself, and where it signed in from.
    device: Mapped[str] = mapped_column(String(200), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class SignInLinkRow(Base):
    """A token that signs in once."""

    __tablename__ = "sign_in_link"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    # None: the local owner.
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class TokenRow(Base):
    """What a program shows: as `x-key` at `/v1`, as a bearer at `/api`."""

    __tablename__ = "api_token"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    # None: the local owner's.
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), index=True, default=None)
    token_hash: Mapped[str] = mapped_column(String(64), index=True, unique=True)
    # The last characters, by which a person tells one from another.
    ending: Mapped[str] = mapped_column(String(8))
    # Names of rules, or `v1`, between blanks.
    scopes: Mapped[str] = mapped_column(String(120), default="v1")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)

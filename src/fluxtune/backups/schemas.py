"""What a backup holds, and what the API says of backups."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from fluxtune.core.errors import Problem

FORMAT = 1
"""Raised when a program that knows only the number before could not restore a backup any more."""

Origin = Literal["asked", "scheduled", "command"]
Place = Literal["data", "blobs"]


class StoredFile(BaseModel):
    """One file of a backup: where it belongs, and under which hash its content is kept."""

    place: Place
    path: str
    sha256: str
    byte_count: int
    changed_ns: int
    """When the file was changed last, in nanoseconds since 1970: an unchanged file is not read again next time."""


class StoredTable(BaseModel):
    """One table of a backup: its lines are kept compressed under `sha256`; `content` is the hash of the plain lines."""

    name: str
    columns: list[str]
    row_count: int
    sha256: str
    content: str
    byte_count: int


class Manifest(BaseModel):
    """One backup. Written last: a backup whose manifest is there is whole."""

    format: int = FORMAT
    id: str
    origin: Origin
    made_at: datetime
    """The moment the database is copied as of."""
    version: str
    revision: str
    tables: list[StoredTable]
    sequences: dict[str, int]
    files: str
    """The hash under which the list of files is kept, compressed: one `StoredFile` a line."""
    file_count: int
    byte_count: int
    """All it holds: tables and files."""
    new_bytes: int
    """Of these, what no backup before it held: what it takes up."""
    lacks_key: bool
    """Whether stored secrets can't be read with what it holds: the key was left out, or a setting gives it."""
    has_bases: bool


class Damage(BaseModel):
    """What a verification found."""

    backup_id: str
    checked_count: int
    checked_bytes: int
    problems: list[str]


class Backup(BaseModel):
    """One backup, as lists show it."""

    id: str
    origin: Origin
    state: Literal["waiting", "running", "done", "failed"]
    job_id: str | None
    created_at: datetime
    finished_at: datetime | None
    error: Problem | None
    byte_count: int | None
    new_bytes: int | None
    file_count: int | None
    row_count: int | None
    version: str | None
    lacks_key: bool | None
    verified_at: datetime | None
    damage: list[str]


class Backups(BaseModel):
    """All backups, where they are, and when the next is due."""

    folder: str
    is_beside_data: bool
    """Whether they lie in the data folder itself: of no help when its disk is lost."""
    every_hours: float
    keep: int
    next_at: datetime | None
    free_bytes: int | None
    restore_command: str
    backups: list[Backup]


class BackupStart(BaseModel):
    """A backup to be made now."""

    with_bases: bool = Field(False, description="Copy the bases, too: large, and they can be downloaded again.")


class Freed(BaseModel):
    """How much room something made."""

    freed_bytes: int

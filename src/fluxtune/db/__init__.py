"""The database: engine, transaction boundary, base class of tables, migrations."""

from fluxtune.db.base import Base, UtcDateTime
from fluxtune.db.bell import Bell
from fluxtune.db.database import (
    ChangeWatch,
    Database,
    announce,
    get_database,
    get_session,
    is_disk_full,
    open_queue_engine,
)
from fluxtune.db.migrate import code_version, migrate

__all__ = [
    "Base",
    "Bell",
    "ChangeWatch",
    "Database",
    "UtcDateTime",
    "announce",
    "code_version",
    "get_database",
    "get_session",
    "is_disk_full",
    "migrate",
    "open_queue_engine",
]

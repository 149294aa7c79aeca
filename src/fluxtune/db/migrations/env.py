"""Runs migrations on the database that `fluxtune.db.migrate` hands over, or compares for a new one (`alembic.ini`)."""

import importlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from alembic import context

import fluxtune
from fluxtune.db import Base, Database, UtcDateTime


def all_tables() -> None:
    """Make the metadata complete: tables are declared in every domain, and this package may not import them."""
    for file in sorted(Path(fluxtune.__path__[0]).glob("*/tables.py")):
        importlib.import_module(f"fluxtune.{file.parent.name}.tables")


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Write our own column types as what they are in the database: a migration must not change with our code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def run(database: Database) -> None:
    with database.engine.connect() as connection:
        if database.is_sqlite:
            # Tables are altered by copying them; rows that refer to the old one must not be removed with it. Said to
            # the driver, because within a transaction this does nothing.
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=render_item,
        )
        with context.begin_transaction():
            context.run_migrations()
        # One transaction for all of it: killed in the middle, the database is as it was.
        connection.commit()
        if database.is_sqlite:
            connection.connection.cursor().execute("PRAGMA foreign_keys=ON")


def migrated(folder: Path) -> Database:
    """Return a database at the newest schema there is, to compare the declared tables with.

    Made by another process: Alembic's context is one for the whole process, and in use here.
    """
    file = folder / "compare.sqlite"
    code = (
        "import sys; from pathlib import Path; from fluxtune.db import Database, migrate;"
        "migrate(Database.at(Path(sys.argv[1])), Path(sys.argv[1] + '.lock'))"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=True)
    return Database.at(file)


given = context.config.attributes.get("database")
if given is not None:
    run(given)
else:
    all_tables()
    with tempfile.TemporaryDirectory() as folder:
        run(migrated(Path(folder)))

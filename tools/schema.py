"""Write src/fluxtune/db/schema.sql: what all migrations make of an empty SQLite file, in one script."""

import re
import sqlite3
import tempfile
from pathlib import Path

from fluxtune.db import Database
from fluxtune.db.migrate import SCHEMA, newest_revision, upgrade


def schema_script() -> str:
    """Return the script as the migrations make it now."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.sqlite"
        database = Database.at(file)
        upgrade(database)
        database.close()
        connection = sqlite3.connect(file)
        lines = "\n".join(_in_order(statement) for statement in connection.iterdump())
        connection.close()
    return f"-- Revision {newest_revision()}\n-- Written by `python -m tools.schema` from the migrations.\n{lines}\n"


def _in_order(statement: str) -> str:
    """Return a statement with its named constraints in the order of their names: Alembic copies them in any."""
    block = re.compile(r"(?:\tCONSTRAINT [^\n]*\n)+")
    return block.sub(lambda found: _sorted_lines(found[0]), statement)


def _sorted_lines(block: str) -> str:
    lines = [line.rstrip(", ") for line in block.rstrip("\n").split("\n")]
    end = ", \n" if block.rstrip("\n").endswith(", ") else "\n"
    return ", \n".join(sorted(lines)) + end


if __name__ == "__main__":
    SCHEMA.write_text(schema_script(), encoding="utf-8")
    print(f"wrote {SCHEMA.name}")

"""A copy of the whole database as lines of JSON: the same for SQLite and PostgreSQL, and of any schema there was.

Each table is a row of lines, in the order of its primary key; each line is a JSON array of the values in the order of
the table's columns. What a column holds is read from the database, not from the declared tables, so that a copy of an
older schema can be made and loaded, too: it is loaded into a database of that schema, which is then upgraded.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    Boolean,
    Column,
    Connection,
    DateTime,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    cast,
    func,
    inspect,
    select,
    text,
    type_coerce,
)

from fluxtune.core.errors import Conflict
from fluxtune.db.database import Database
from fluxtune.db.migrate import alembic_config, current_revision, migrate, newest_revision

_LEFT_OUT = frozenset({"alembic_version", "worker", "backup"})
"""The schema's number is kept beside the copy; who works, and what backups were made, is not true after it any more."""
_ROWS_AT_ONCE = 500


class NotEmpty(Conflict):
    """A copy is loaded only into a database without tables: nothing is ever overwritten."""

    title = "The database is not empty"
    action = "Choose an empty data folder, or an empty database."


class DatabaseCopy:
    """The database as it was at one moment, however much is written meanwhile."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._tables = _reflect(connection)

    @property
    def revision(self) -> str:
        """The schema the database is at."""
        return str(self._connection.scalar(text("SELECT version_num FROM alembic_version")))

    @property
    def columns(self) -> Mapping[str, list[str]]:
        """The names of the columns of each table, in the order in which tables can be filled."""
        return {table.name: [column.name for column in table.columns] for table in self._tables}

    def lines(self, name: str) -> Iterator[bytes]:
        """Return the rows of a table, one line each, with its line break."""
        table = next(each for each in self._tables if each.name == name)
        values = [_as_text(column, self._is_sqlite) for column in table.columns]
        writers = [_writer(column) for column in table.columns]
        query = select(*values).order_by(*(_in_order(each, self._is_sqlite) for each in table.primary_key))
        rows = self._connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE))
        for row in rows:
            line = [write(value) for write, value in zip(writers, row, strict=True)]
            yield json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def sequences(self) -> dict[str, int]:
        """Return the last number given out, of tables that number their rows: it is never given out again."""
        if self._is_sqlite:
            if not inspect(self._connection).has_table("sqlite_sequence"):
                return {}
            rows = self._connection.execute(text("SELECT name, seq FROM sqlite_sequence"))
            return {name: int(last) for name, last in rows if not name.startswith("_alembic")}
        found: dict[str, int] = {}
        for table in self._tables:
            for sequence in _sequences_of(self._connection, table):
                is_used, last = self._connection.execute(text(f"SELECT is_called, last_value FROM {sequence}")).one()  # noqa: S608
                if is_used:
                    found[table.name] = int(last)
        return found


@contextmanager
def frozen(database: Database) -> Iterator[DatabaseCopy]:
    """Open the database as it is now; nobody who writes waits for it, and nothing they write is seen."""
    if database.is_sqlite:
        with database.reading() as session:
            connection = session.connection()
            connection.execute(text("SELECT count(*) FROM alembic_version"))  # from here on nothing changes
            yield DatabaseCopy(connection)
        return
    engine = database.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection, connection.begin():
        yield DatabaseCopy(connection)


def load(
    database: Database,
    revision: str,
    columns: Mapping[str, list[str]],
    sequences: Mapping[str, int],
    read: Callable[[str], Iterable[bytes]],
    lock_file: Path,
) -> None:
    """Fill a database without tables from a copy of a schema, and bring it to the newest one.

    `read` returns the lines of a table. All or nothing as far as rows go; raises `NotEmpty`.
    """
    if current_revision(database) is not None:
        raise NotEmpty("There are tables already.")
    _make_schema(database, revision, lock_file)
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")  # rows come in any order within a table
        with connection.begin():
            tables = _reflect(connection)
            for table in reversed(tables):
                connection.execute(table.delete())  # what migrations put there stands in the copy, too
            for table in tables:
                if table.name in columns:
                    _fill(connection, table, columns[table.name], read(table.name))
            _set_sequences(connection, sequences)
        if database.is_sqlite:
            connection.connection.cursor().execute("PRAGMA foreign_keys=ON")
    migrate(database, lock_file)


def _make_schema(database: Database, revision: str, lock_file: Path) -> None:
    if revision == newest_revision():
        migrate(database, lock_file)
        return
    # Loading Alembic takes a quarter of a second that only older copies need.
    from alembic import command

    command.upgrade(alembic_config(database), revision)


def _fill(connection: Connection, table: Table, names: list[str], lines: Iterable[bytes]) -> None:
    chosen = [table.columns[name] for name in names]
    readers = [_reader(column) for column in chosen]
    is_sqlite = connection.dialect.name == "sqlite"
    values = {column.name: _from_text(column, is_sqlite) for column in chosen}
    statement = table.insert().values(values)
    batch: list[dict[str, Any]] = []
    for line in lines:
        cells = json.loads(line)
        batch.append({f"v_{name}": read(cell) for name, read, cell in zip(names, readers, cells, strict=True)})
        if len(batch) >= _ROWS_AT_ONCE:
            connection.execute(statement, batch)
            batch = []
    if batch:
        connection.execute(statement, batch)


def _set_sequences(connection: Connection, sequences: Mapping[str, int]) -> None:
    if connection.dialect.name == "sqlite":
        for name, last in sequences.items():
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
            connection.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :last)"), {"name": name, "last": last})
        return
    for table in _reflect(connection):
        for sequence in _sequences_of(connection, table):
            highest = connection.scalar(select(func.max(next(iter(table.primary_key))))) or 0
            last = max(highest, sequences.get(table.name, 0))
            if last:
                connection.execute(text("SELECT setval(:which, :last)"), {"which": sequence, "last": last})


def _sequences_of(connection: Connection, table: Table) -> list[str]:
    query = text("SELECT pg_get_serial_sequence(:table, :column)")
    found = (
        connection.scalar(query, {"table": f'"{table.name}"', "column": column.name}) for column in table.primary_key
    )
    return [each for each in found if each]


def _reflect(connection: Connection) -> list[Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name not in _LEFT_OUT]


def _in_order(column: Column[Any], is_sqlite: bool) -> Any:
    # Bytewise, as SQLite sorts; PostgreSQL would sort as the language of its cluster wants it.
    return column if is_sqlite or not isinstance(column.type, String) else column.collate("C")


def _as_text(column: Column[Any], is_sqlite: bool) -> Any:
    """JSON is copied as it is written down: read and written again, a JSON null would become no value at all."""
    if not isinstance(column.type, JSON):
        return column
    return type_coerce(column, Text) if is_sqlite else cast(column, Text)


def _from_text(column: Column[Any], is_sqlite: bool) -> Any:
    name = f"v_{column.name}"
    if not isinstance(column.type, JSON):
        return BindParameter(name, type_=column.type)
    parameter: BindParameter[Any] = BindParameter(name, type_=Text())
    return type_coerce(parameter, Text) if is_sqlite else cast(parameter, JSON)


def _writer(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, DateTime):
        return lambda value: (
            value and (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
        )
    if isinstance(column.type, LargeBinary):
        return lambda value: value and base64.b64encode(value).decode()
    if isinstance(column.type, Boolean):
        return lambda value: None if value is None else bool(value)
    return lambda value: value


def _reader(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, DateTime):
        is_aware = column.type.timezone
        return lambda value: value and _moment(value, is_aware)
    if isinstance(column.type, LargeBinary):
        return lambda value: value and base64.b64decode(value)
    return lambda value: value


def _moment(value: str, is_aware: bool) -> datetime:
    at = datetime.fromisoformat(value)
    return at if is_aware else at.replace(tzinfo=None)

"""Engine and transaction boundary. Services and repositories never commit; what opened the session does."""

import errno
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DataError, DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from fluxtune.core.errors import InvalidInput
from fluxtune.db import bell

BUSY_TIMEOUT_MS = 30_000
READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_READ_ONLY = "fluxtune_read_only"
_DURABLE = "fluxtune_durable"
_NEWS = "fluxtune_news"
_POSTGRESQL_DISK_FULL = "53100"
_CHANNEL = "fluxtune_changed"
_NOTIFY = text(f"NOTIFY {_CHANNEL}")
_SILENCE_S = 1.0
_LEFT_AT = "fluxtune_left_at"
_TRUSTED_S = 1.0
"""A connection that answered this short a time ago is taken to be alive."""


class ValueNotStorable(InvalidInput):
    """A database can neither keep a value nor look for it."""

    title = "Some of that can't be used"
    action = "Give whole numbers of at most 64 bits, and text without zero bytes."


def _refuse_what_no_column_holds(engine: Engine) -> None:
    """Say so in the user's terms, whichever field it was given in: each database has a way of its own to break."""

    @event.listens_for(engine, "handle_error")
    def _explain(context: ExceptionContext) -> None:
        found = context.original_exception
        if isinstance(found, OverflowError | UnicodeEncodeError) or isinstance(context.sqlalchemy_exception, DataError):
            reason = "A number is too large, or a text holds what is no text."
            raise ValueNotStorable(reason, technical=f"{type(found).__name__}: {found}"[:200]) from found


def _set_up_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # The driver must not start transactions by itself: we say BEGIN, and which kind.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction that reads and then writes can fail at once with "database is locked",
        # whatever the busy timeout; taking the write lock first waits its turn instead.
        options = connection.get_execution_options()
        is_read_only, is_durable = options.get(_READ_ONLY, False), options.get(_DURABLE, False)
        if is_durable != connection.info.get(_DURABLE, False):
            # NORMAL may lose the last commits when the power is cut, though never what came before them: good enough
            # for what can be done again. FULL waits for the disk, which took half a millisecond more on an SSD.
            connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if is_durable else 'NORMAL'}")
            connection.info[_DURABLE] = is_durable
        connection.exec_driver_sql("BEGIN DEFERRED" if is_read_only else "BEGIN IMMEDIATE")


def _set_up_postgresql(engine: Engine, *, reads_only: bool) -> None:
    @event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: Any) -> None:
        record.info[_LEFT_AT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ask_after_silence(connection: Any, record: Any, _proxy: Any) -> None:
        # Before every use, as `pool_pre_ping` would ask, it was a quarter of what a small request sends.
        if time.monotonic() - record.info.get(_LEFT_AT, time.monotonic()) < _TRUSTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # the others are as old

    if reads_only:

        @event.listens_for(engine, "connect")
        def _only_read(connection: Any, _record: Any) -> None:
            connection.autocommit = True
            connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")


def _open_for_reading(url: str) -> Engine:
    """Open a PostgreSQL database for sessions that only read.

    Each statement is a transaction, which is all that PostgreSQL's default isolation gives several of them anyway:
    without BEGIN and ROLLBACK around them a read sends a third of the messages. Writing is refused.
    """
    engine = create_engine(url, isolation_level="AUTOCOMMIT", pool_size=10, max_overflow=20)
    _set_up_postgresql(engine, reads_only=True)
    return engine


def open_queue_engine(url: str) -> Engine:
    """Open a database for the queue engine, which starts its transactions itself.

    SQLite in WAL mode: with its own default, a rollback journal, the queue's pollers and writers stall each other.
    """
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, pool_size=20)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error says that there is no room left where the database lives."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    if not isinstance(error, OperationalError):
        return False
    return "disk is full" in str(error) or getattr(error.orig, "sqlstate", None) == _POSTGRESQL_DISK_FULL


class Database:
    """One database, SQLite file or PostgreSQL, and the only way to a transaction on it."""

    def __init__(self, url: str, folder: Path | None = None) -> None:
        """Open a database; in `folder` hang the bells of who waits for its news on this computer."""
        self.url = url
        self._folder = folder
        self.is_sqlite = url.startswith("sqlite")
        if self.is_sqlite:
            self.engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, pool_size=20)
            _set_up_sqlite(self.engine)
        else:
            self.engine = create_engine(url, pool_size=5, max_overflow=15)
            _set_up_postgresql(self.engine, reads_only=False)
        _refuse_what_no_column_holds(self.engine)
        self._read_engine: Engine
        if self.is_sqlite:
            self._read_engine = self.engine.execution_options(**{_READ_ONLY: True})
        else:
            self._read_engine = _open_for_reading(url)
            _refuse_what_no_column_holds(self._read_engine)
        self._durable_engine = self.engine.execution_options(**{_DURABLE: True})

    @classmethod
    def at(cls, file: Path, url: str | None = None) -> "Database":
        """Open `url`, or the SQLite file when there is none."""
        return cls(url or f"sqlite:///{file}", file.parent)

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[Session]:
        """Open a session for writing; commit when the block ends well, roll back when it doesn't.

        A durable commit survives a power cut, and with it all that were before it; PostgreSQL's always do.
        """
        with (
            Session(self._durable_engine if durable else self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session
            if not self.is_sqlite:
                # Heard with the commit, and not at all when there is none.
                session.execute(_NOTIFY)
        if self._folder is not None and _NEWS in session.info:
            bell.ring(self._folder, session.info[_NEWS])

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that only reads; it never waits for writers, and nothing of it is kept."""
        with Session(self._read_engine, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Close all connections."""
        self._read_engine.dispose()
        self.engine.dispose()


def announce(session: Session, word: str) -> None:
    """Ring for this, once a session is committed, whoever waits for it on this computer."""
    session.info.setdefault(_NEWS, set()).add(word)


class ChangeWatch:
    """Tells cheaply whether anybody has committed anything, so that pollers need not ask for everything every time.

    On SQLite a number in the file says so, on PostgreSQL a notification that comes with each commit; asking takes
    microseconds. After a second of silence PostgreSQL is asked anyway: a broken connection is silent, too.
    """

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self._is_sqlite = database.is_sqlite
        self._connection: Any = None
        self._seen: int | None = None
        self._heard_at = 0.0

    def has_changed(self) -> bool:
        """Return whether there was a commit since the last call. Ask before reading, not after."""
        return self._has_number_changed() if self._is_sqlite else self._was_told()

    def _has_number_changed(self) -> bool:
        if self._connection is None:
            # Never writes and is never in a transaction: its number counts everybody else's commits.
            self._connection = self._engine.raw_connection()
        seen = self._connection.cursor().execute("PRAGMA data_version").fetchone()[0]
        before, self._seen = self._seen, seen
        return bool(seen != before)

    def _was_told(self) -> bool:
        try:
            if self._connection is None:
                self._connection = self._engine.raw_connection()
                self._connection.detach()  # it listens from now on and is of no use to others
                self._connection.dbapi_connection.autocommit = True
                self._connection.dbapi_connection.execute(f"LISTEN {_CHANNEL}")
                is_told = True
            else:
                is_told = bool(list(self._connection.dbapi_connection.notifies(timeout=0)))
        except (DBAPIError, self._engine.dialect.loaded_dbapi.Error):
            self._give_up()
            is_told = True  # whoever asks reads next, and meets the error where it is handled
        if is_told or time.monotonic() - self._heard_at > _SILENCE_S:
            self._heard_at = time.monotonic()
            return True
        return False

    def _give_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def get_database(connection: HTTPConnection) -> Database:
    """Return the studio's database; for what can't live in the request's own transaction."""
    database: Database = connection.app.state.database
    return database


async def get_session(connection: HTTPConnection) -> AsyncIterator[Session]:
    """One request, one transaction. Use as `Depends(get_session, scope="function")`.

    The default scope commits after the answer left, so that a failing commit would still look like success.
    GET requests read without ever waiting for writers. Opening a session does nothing yet, and closing one that has
    only read is a matter of microseconds: neither is worth a thread, of which each hand-over costs a request more.
    """
    database: Database = connection.app.state.database
    if connection.scope.get("method", "GET") in READ_METHODS:
        with database.reading() as session:
            yield session
        return
    transaction = database.transaction()
    session = transaction.__enter__()

    async def end(error: BaseException | None) -> None:
        # Not one of the threads that endpoints share: they may all wait for the connection that is freed here.
        how = (type(error), error, error.__traceback__) if error is not None else (None, None, None)
        await to_thread.run_sync(lambda: transaction.__exit__(*how), limiter=CapacityLimiter(1))

    try:
        yield session
    except BaseException as error:
        await end(error)
        raise
    await end(None)

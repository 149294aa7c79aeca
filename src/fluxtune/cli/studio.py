"""The studio a command works with: the one that runs on the data folder, or one for as long as the command lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fluxtune.cli.output import Output
from fluxtune.client import Client, find_studio
from fluxtune.config import load_settings


@dataclass(frozen=True, slots=True)
class Studio:
    """A connected studio. A temporary one ends with the command, so the command must wait for its work."""

    client: Client
    is_temporary: bool
    data: Path


@contextmanager
def open_studio(data: Path | None, output: Output, *, works: bool = False) -> Iterator[Studio]:
    """Connect to the running studio, or start one; `works` says that the command needs a worker too."""
    settings = load_settings(data)
    address = find_studio(settings.data)
    if address is not None:
        with Client(address.url, address.token) as client:
            yield Studio(client, False, settings.data)
        return
    from fluxtune.cli.temporary import temporary_studio

    with temporary_studio(settings, output, with_worker=works) as (client, is_ours):
        yield Studio(client, is_ours, settings.data)

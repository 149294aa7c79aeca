"""Finding the studio that runs on a data folder."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import httpx2

from fluxtune.client.client import Client
from fluxtune.client.errors import StudioNotRunning

STUDIO_FILE = "studio.json"


@dataclass(frozen=True, slots=True)
class StudioAddress:
    """Where a running studio answers, and the token that signs in."""

    url: str
    token: str
    pid: int


def find_studio(data: Path) -> StudioAddress | None:
    """Return a studio running on this data folder, or None. A file left by a killed studio counts as none."""
    others = sorted(data.glob("studio-*.json"))  # where several servers share a folder
    return next((found for file in (data / STUDIO_FILE, *others) if (found := _running(file)) is not None), None)


def _running(file: Path) -> StudioAddress | None:
    try:
        record = json.loads(file.read_text())
        address = StudioAddress(url=str(record["url"]), token=str(record["token"]), pid=int(record["pid"]))
        os.kill(address.pid, 0)
        answer = httpx2.get(f"{address.url}/healthz", timeout=5, trust_env=False)
    except (OSError, ValueError, KeyError, TypeError, httpx2.TransportError):
        return None
    return address if answer.is_success else None


def connect(data: Path | None = None, *, url: str | None = None, token: str | None = None) -> Client:
    """Connect to the studio of a data folder, or to the one at `url` with its token.

    Without arguments: the studio of `FLUXTUNE_DATA`, else of the default data folder.
    """
    if url is not None:
        return Client(url, token)
    from fluxtune.config import load_settings

    folder = load_settings(data).data
    address = find_studio(folder)
    if address is None:
        raise StudioNotRunning(f"No studio runs on {folder}.")
    return Client(address.url, address.token)

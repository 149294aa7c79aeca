"""The support bundle: what somebody who helps needs to know about a studio, and no secret of it."""

import io
import json
import os
import platform
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

import psutil
from pydantic import BaseModel, SecretStr

import fluxtune
from fluxtune.alerts import service as alerts
from fluxtune.backends.local.readiness import describe_device, engine_versions, missing_parts
from fluxtune.config import Settings
from fluxtune.config.origins import leaves
from fluxtune.config.redaction import HIDDEN, Redactor
from fluxtune.core.clock import now
from fluxtune.db import Database
from fluxtune.db.migrate import current_revision, newest_revision
from fluxtune.jobs import service as jobs
from fluxtune.metrics import service as metrics

_JOBS = 300
_LOG_BYTES = 5_000_000
"""Of each log file its end, so that a bundle can be sent by mail."""
_README = """What is in here
===============

about.json      the program, this computer, what is installed
settings.json   every setting and where its value comes from; secrets, addresses of people and what lies behind the
                host of an address are left out
jobs.json       the newest jobs: what kind, how they ended, with which error; not their titles
metrics.json    measures of the last hour, day and week
alerts.json     alerts, open and over
logs/           the ends of the log files

Images, captions, prompts, datasets and models are not in here. Look through it before you give it away.
"""


def file_name() -> str:
    """Return what a bundle made now is called."""
    return f"fluxtune-support-{now():%Y%m%d-%H%M%S}.zip"


def write_bundle(settings: Settings, database: Database) -> bytes:
    """Return the bundle as a ZIP file. What can't be found out is told in its place: bundles are made in trouble."""
    redactor = Redactor(settings)
    parts: dict[str, Callable[[], Any]] = {
        "about.json": lambda: _about(settings, database),
        "settings.json": lambda: _settings(settings),
        "jobs.json": lambda: _jobs(database),
        "metrics.json": lambda: _metrics(database),
        "alerts.json": lambda: _alerts(database),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _README)
        for name, make in parts.items():
            try:
                content = make()
            except Exception as error:
                content = {"could_not_be_found_out": f"{type(error).__name__}: {error}"}
            archive.writestr(name, json.dumps(redactor.value(content), indent=1, ensure_ascii=False, default=str))
        for name, text in _logs(settings, redactor):
            archive.writestr(name, text)
    return buffer.getvalue()


def _about(settings: Settings, database: Database) -> dict[str, Any]:
    device, device_name = describe_device()
    memory, disk = psutil.virtual_memory(), shutil.disk_usage(settings.data)
    return {
        "fluxtune": fluxtune.__version__,
        "python": sys.version,
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "memory_bytes": {"total": memory.total, "available": memory.available},
        "disk_bytes": {"total": disk.total, "free": disk.free},
        "device": {"kind": device, "name": device_name},
        "missing": [part.name for part in missing_parts()],
        "engine": engine_versions(),
        "packages": {each.name: each.version for each in metadata.distributions()},
        "database": {
            "kind": "sqlite" if database.is_sqlite else "postgresql",
            "revision": current_revision(database),
            "newest_revision": newest_revision(),
        },
        "store": urlsplit(settings.storage_url).scheme if settings.storage_url else "files",
    }


def _settings(settings: Settings) -> dict[str, Any]:
    found = {}
    for key, _owner, _info in leaves(Settings):
        value: Any = settings
        for name in key.split("."):
            value = getattr(value, name)
        found[key] = {"value": _shown(key, value), "source": settings.origins.source_of(key)}
    return found


def _shown(key: str, value: Any) -> Any:
    """Return a setting's value as far as it is nobody's secret and nobody's address."""
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, dict):
        return {name: _shown(key, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shown(key, inner) for inner in value]
    if not isinstance(value, str) or not value:
        return value if isinstance(value, int | float | bool | None) else str(value)
    if "mail" in key or "user" in key:
        return HIDDEN
    if "://" in value:
        address = urlsplit(value)
        return f"{address.scheme}://{address.hostname or ''}" + ("/…" if address.path.strip("/") else "")
    return value


def _jobs(database: Database) -> list[dict[str, Any]]:
    with database.reading() as session:
        found = jobs.list_(session, limit=_JOBS)
    return [job.model_dump(mode="json", exclude={"title", "waiting_for"}) for job in found]


def _metrics(database: Database) -> dict[str, Any]:
    with database.reading() as session:
        return {span: _dump(metrics.read(session, span)) for span in ("hour", "day", "week")}


def _alerts(database: Database) -> list[dict[str, Any]]:
    with database.reading() as session:
        return [_dump(alert) for alert in alerts.list_(session)]


def _dump(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")


def _logs(settings: Settings, redactor: Redactor) -> Iterator[tuple[str, str]]:
    for file in sorted(settings.paths.logs.glob("*.log*")):
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - _LOG_BYTES))
            text = stream.read(_LOG_BYTES).decode("utf-8", "replace")
        yield f"logs/{file.name}", "".join(_clean(line, redactor) for line in text.splitlines(keepends=True))


def _clean(line: str, redactor: Redactor) -> str:
    """Return a line without secrets; as a record it is understood, and what stands under a secret's name goes too."""
    try:
        record = json.loads(line)
    except ValueError:
        return redactor.text(line)
    return json.dumps(redactor.value(record), ensure_ascii=False) + "\n"

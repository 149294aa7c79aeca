"""Make a backup while the studio runs.

The database is copied first, as of one moment; files after it. Whatever its rows refer to was written before and never
changes, and nothing is removed for good while a backup is under way (`trash.service.sweep` asks): so every file a row
names is still there to be copied, and files that came later do no harm. Files that were copied before and have not
changed since, by size and time, are not read again.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import fluxtune
from fluxtune.backups.schemas import Manifest, Origin, Place, StoredFile, StoredTable
from fluxtune.backups.vault import Progress, Vault
from fluxtune.config import Settings
from fluxtune.config.settings import SETTINGS_FILE
from fluxtune.core.clock import now
from fluxtune.db import Database
from fluxtune.db.copying import DatabaseCopy, frozen
from fluxtune.storage import BlobNotFound, Blobs

_CHUNK_BYTES = 1024 * 1024
_MADE_AGAIN = frozenset({"cache", "control"})
"""Folders of a run that are filled again from what else is there."""
_LOOKS = 3
"""How often a run is looked at whose checkpoints are removed and written while they are copied."""


class Stopped(Exception):
    """The backup was given up because somebody asked for that; nothing of it is listed."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file to be copied."""

    place: Place
    path: str
    byte_count: int
    changed_ns: int


def make_backup(
    settings: Settings,
    database: Database,
    blobs: Blobs,
    backup_id: str,
    origin: Origin,
    *,
    with_bases: bool = False,
    progress: Progress = lambda _done, _total: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Manifest:
    """Copy the database and all files to the folder of backups; return what was made. `BackupService` calls this.

    Raises `BackupRunning`, `DiskFull`, `BackupFolderUnusable`, or `Stopped` when `is_stopped` says so.
    """
    vault = Vault(settings.backup_folder)
    lock = vault.lock()
    try:
        maker = _Maker(settings, blobs, vault, progress, is_stopped)
        with vault.writing():
            return maker.make(database, backup_id, origin, with_bases)
    finally:
        lock.release()


class _Maker:
    """One backup on its way."""

    def __init__(
        self, settings: Settings, blobs: Blobs, vault: Vault, progress: Progress, is_stopped: Callable[[], bool]
    ) -> None:
        self._settings = settings
        self._data = settings.paths.data
        self._blobs = blobs
        self._vault = vault
        self._progress = progress
        self._is_stopped = is_stopped
        self._new_bytes = 0
        self._done = 0
        self._total = 0
        self._known = self._last_files()

    def make(self, database: Database, backup_id: str, origin: Origin, with_bases: bool) -> Manifest:
        made_at = now()
        with frozen(database) as copy:
            revision = copy.revision
            tables = [self._copy_table(copy, name) for name in copy.columns]
            sequences = copy.sequences()
        files = self._copy_files(with_bases)
        files_hash, _, new_bytes = self._vault.put_lines(each.model_dump_json().encode() + b"\n" for each in files)
        manifest = Manifest(
            id=backup_id,
            origin=origin,
            made_at=made_at,
            version=fluxtune.__version__,
            revision=revision,
            tables=tables,
            sequences=sequences,
            files=files_hash,
            file_count=len(files),
            byte_count=sum(file.byte_count for file in files) + sum(table.byte_count for table in tables),
            new_bytes=self._new_bytes + new_bytes,
            lacks_key=self._lacks_key(),
            has_bases=with_bases,
        )
        self._check_stopped()
        self._vault.write(manifest)
        return manifest

    def _lacks_key(self) -> bool:
        is_left = self._settings.paths.secret_key.is_file() and not self._settings.backups.with_key
        return is_left or self._settings.secret_key is not None

    def _last_files(self) -> dict[tuple[str, str], StoredFile]:
        """Return what the newest backup holds: what has not changed since is not read again."""
        manifests = self._vault.list_()
        return {(each.place, each.path): each for each in self._vault.files(manifests[0])} if manifests else {}

    def _copy_table(self, copy: DatabaseCopy, name: str) -> StoredTable:
        digest, count = sha256(), 0

        def counted() -> Iterator[bytes]:
            nonlocal count
            for line in copy.lines(name):
                digest.update(line)
                count += 1
                yield line

        stored, size, new_bytes = self._vault.put_lines(counted())
        self._new_bytes += new_bytes
        self._check_stopped()
        return StoredTable(
            name=name,
            columns=list(copy.columns[name]),
            row_count=count,
            sha256=stored,
            content=digest.hexdigest(),
            byte_count=size,
        )

    def _copy_files(self, with_bases: bool) -> list[StoredFile]:
        found = list(self._find(with_bases))
        self._total = sum(each.byte_count for each in found)
        stored: dict[tuple[str, str], StoredFile] = {}
        torn: set[Path] = set()
        for each in found:
            copied = self._copy(each)
            if copied is not None:
                stored[copied.place, copied.path] = copied
            elif (folder := self._checkpoints_of(each)) is not None:
                torn.add(folder)
        for folder in torn:
            self._copy_again(folder, stored)
        return [stored[key] for key in sorted(stored)]

    def _copy_again(self, folder: Path, stored: dict[tuple[str, str], StoredFile]) -> None:
        """Copy a run's checkpoints, whole ones only: a checkpoint that was removed half-way is of no use."""
        for _ in range(_LOOKS):
            prefix = f"{folder.relative_to(self._data).as_posix()}/"
            for key in [key for key in stored if key[0] == "data" and key[1].startswith(prefix)]:
                del stored[key]
            copied = [self._copy(each) for each in self._walk(folder)]
            stored.update({(each.place, each.path): each for each in copied if each is not None})
            if all(each is not None for each in copied):
                return

    def _checkpoints_of(self, file: Found) -> Path | None:
        parts = Path(file.path).parts
        is_checkpoint = file.place == "data" and len(parts) > 3 and parts[0] == "runs" and parts[2] == "checkpoints"
        return self._data.joinpath(*parts[:3]) if is_checkpoint else None

    def _find(self, with_bases: bool) -> Iterator[Found]:
        paths = self._settings.paths
        single = [self._data / SETTINGS_FILE, *([paths.secret_key] if self._settings.backups.with_key else [])]
        for file in single:
            if file.is_file():
                yield self._found(file)
        for folder in (paths.models, paths.runs, *([paths.bases] if with_bases else [])):
            yield from self._walk(folder)
        for blob in self._blobs.list_():
            yield Found("blobs", blob.key, blob.byte_count, int(blob.written_at.timestamp() * 1e6) * 1000)

    def _walk(self, folder: Path) -> Iterator[Found]:
        for at, folders, names in os.walk(folder):
            folders[:] = [
                name
                for name in folders
                if not name.startswith(".")
                and not (name in _MADE_AGAIN and Path(at).parent == self._settings.paths.runs)
            ]
            for name in names:
                file = Path(at) / name
                if name.startswith(".") or name.endswith((".part", ".lock")) or file.is_symlink():
                    continue
                try:
                    yield self._found(file)
                except FileNotFoundError:
                    continue

    def _found(self, file: Path) -> Found:
        facts = file.stat()
        return Found("data", file.relative_to(self._data).as_posix(), facts.st_size, facts.st_mtime_ns)

    def _copy(self, file: Found) -> StoredFile | None:
        """Copy one file; return None if it is gone."""
        self._check_stopped()
        known = self._known.get((file.place, file.path))
        if (
            known is not None
            and (known.byte_count, known.changed_ns) == (file.byte_count, file.changed_ns)
            and self._vault.has(known.sha256, known.byte_count)
        ):
            self._advance(file.byte_count)
            return known
        try:
            name, size, new_bytes = self._vault.put(self._read(file))
        except (FileNotFoundError, BlobNotFound):
            return None
        self._new_bytes += new_bytes
        return StoredFile(place=file.place, path=file.path, sha256=name, byte_count=size, changed_ns=file.changed_ns)

    def _read(self, file: Found) -> Iterator[bytes]:
        for chunk in self._blobs.stream(file.path) if file.place == "blobs" else _chunks_of(self._data / file.path):
            self._check_stopped()
            self._advance(len(chunk))
            yield chunk

    def _advance(self, byte_count: int) -> None:
        self._done = min(self._done + byte_count, self._total)
        self._progress(self._done, self._total)

    def _check_stopped(self) -> None:
        if self._is_stopped():
            raise Stopped


def _chunks_of(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk

"""The folder backups are kept in: contents under their hash, each kept once however many backups hold it.

    README.txt              what this is
    backups/<id>.json       one backup: its manifest
    objects/ab/abcdef…      a content, named by its SHA-256

Ids sort by time. Contents are written under another name and renamed, the manifest after all of them is on the disk.
"""

import gzip
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from fluxtune.backups.schemas import FORMAT, Manifest, StoredFile
from fluxtune.core.errors import Conflict, DiskFull, InvalidInput, NotFound, NotReady
from fluxtune.db import is_disk_full
from fluxtune.storage import FileLock

_CHUNK_BYTES = 1024 * 1024
_README = """Backups of a fluxtune studio.

List, check and restore them with the program they were made with, or a newer one:

    fluxtune admin backups --from FOLDER
    fluxtune admin verify --from FOLDER
    fluxtune admin restore --from FOLDER --data EMPTY-FOLDER

Contents under objects/ are shared by all backups: remove backups in the studio, never files here.
Some of it is secret (keys, prompts, images): keep it as you keep the studio itself.
"""


class BackupMissing(NotFound):
    """There is no such backup in the folder."""

    title = "That backup does not exist"
    action = "List them with `fluxtune admin backups`."


class BackupDamaged(InvalidInput):
    """What a backup should hold is not there or not what it was."""

    title = "The backup is damaged"
    action = "Choose an older backup; `fluxtune admin verify` says what is wrong with each."


class BackupTooNew(Conflict):
    """The backup was made by a newer fluxtune."""

    title = "The backup was made by a newer fluxtune"
    action = "Install the newest fluxtune."


class BackupRunning(Conflict):
    """Another program works in the folder."""

    title = "A backup is being made already"
    action = "Wait for its end."


class BackupFolderUnusable(NotReady):
    """The folder of backups is not there and can't be made, or can't be written to."""

    title = "The folder of backups can't be used"
    action = "Make it writable or connect its disk, or name another folder under Admin, Settings, Backups."


class Vault:
    """Reads and writes one folder of backups. Whatever writes holds `locked`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifests = folder / "backups"
        self._objects = folder / "objects"

    def lock(self) -> FileLock:
        """Create the folder, readable by its owner only, and take its lock.

        Raises `BackupRunning`, `DiskFull`, `BackupFolderUnusable`.
        """
        with self.writing():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for each in (self._manifests, self._objects):
                each.mkdir(exist_ok=True)
            readme = self.folder / "README.txt"
            if not readme.exists():
                readme.write_text(_README, encoding="utf-8")
            lock = FileLock(self.folder / "lock")
            is_taken = lock.acquire(wait_s=0.2)
        if not is_taken:
            raise BackupRunning(f"Another program works in {self.folder}.")
        return lock

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Say in people's words what is wrong with the folder: `DiskFull`, `BackupFolderUnusable`."""
        try:
            yield
        except OSError as error:
            if is_disk_full(error):
                raise DiskFull(
                    f"The backup found no room in {self.folder}.", action="Free some room there, or remove old backups."
                ) from error
            if error.filename is None or not Path(os.fsdecode(error.filename)).is_relative_to(self.folder):
                raise
            raise BackupFolderUnusable(f"{error.filename}: {error.strerror}.") from error

    def list_(self) -> list[Manifest]:
        """Return all backups that are whole, newest first; what can't be read is left out."""
        found = []
        for file in sorted(self._manifests.glob("*.json"), reverse=True):
            try:
                found.append(Manifest.model_validate_json(file.read_bytes()))
            except (ValidationError, OSError):
                continue
        return found

    def find(self, backup_id: str | None = None) -> Manifest:
        """Return a backup by its id or the beginning of it, or the newest; raise `BackupMissing`, `BackupTooNew`."""
        wanted = [each for each in self.list_() if each.id.startswith(backup_id or "")]
        if not wanted or (backup_id and len(wanted) > 1):
            what = f"no backup “{backup_id[:64]}”" if backup_id else "no backup"
            raise BackupMissing(f"There is {what} in {self.folder}.")
        if wanted[0].format > FORMAT:
            raise BackupTooNew(f"Its format is {wanted[0].format}; this version knows up to {FORMAT}.")
        return wanted[0]

    def has(self, sha256: str, byte_count: int) -> bool:
        """Return whether a content is kept, whole as far as its size tells."""
        try:
            return self._path(sha256).stat().st_size == byte_count
        except OSError:
            return False

    def put(self, chunks: Iterable[bytes]) -> tuple[str, int, int]:
        """Keep a content; return its hash, its size, and what of it is new. Raises `OSError`."""
        draft = self._objects / f".{os.getpid()}.part"
        digest, size = hashlib.sha256(), 0
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    size += file.write(chunk)
            name = digest.hexdigest()
            if self.has(name, size):
                return name, size, 0
            target = self._path(name)
            target.parent.mkdir(exist_ok=True)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        return name, size, size

    def put_lines(self, lines: Iterable[bytes]) -> tuple[str, int, int]:
        """Keep lines, compressed; the same lines always get the same hash."""
        return self.put(_compressed(lines))

    def open(self, sha256: str) -> BinaryIO:
        """Open a content; raise `BackupDamaged` if it is not there."""
        try:
            return self._path(sha256).open("rb")
        except OSError as error:
            raise BackupDamaged(f"The content {sha256[:12]}… is missing.") from error

    def chunks(self, sha256: str) -> Iterator[bytes]:
        """Return a content in chunks, checked: raises `BackupDamaged` at its end if it is not what it was."""
        digest = hashlib.sha256()
        with self.open(sha256) as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                yield chunk
        if digest.hexdigest() != sha256:
            raise BackupDamaged(f"The content {sha256[:12]}… is not what it was.")

    def lines(self, sha256: str) -> Iterator[bytes]:
        """Return lines that were kept with `put_lines`; raises `BackupDamaged` before the first if they changed."""
        for _ in self.chunks(sha256):
            pass
        with self.open(sha256) as file, gzip.open(file) as plain:
            yield from plain

    def files(self, manifest: Manifest) -> Iterator[StoredFile]:
        """Return the files of a backup."""
        return (StoredFile.model_validate_json(line) for line in self.lines(manifest.files))

    def write(self, manifest: Manifest) -> None:
        """Make a backup whole: from here on it is listed."""
        os.sync()  # all contents at once; one by one would take minutes where there are many
        draft = self._manifests / f".{manifest.id}.part"
        with draft.open("w", encoding="utf-8") as file:
            file.write(manifest.model_dump_json(indent=1))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._manifests / f"{manifest.id}.json")

    def remove(self, backup_ids: Iterable[str]) -> int:
        """Remove backups, then every content that no other one holds; return how many bytes that freed."""
        for each in backup_ids:
            (self._manifests / f"{each}.json").unlink(missing_ok=True)
        return self._remove_unused(self.list_())

    def _remove_unused(self, manifests: list[Manifest]) -> int:
        used: set[str] = set()
        for manifest in manifests:
            used |= {manifest.files, *(table.sha256 for table in manifest.tables)}
            used |= {file.sha256 for file in self.files(manifest)}
        freed = 0
        for path in self._objects.glob("*/*"):
            if path.name not in used:
                freed += path.stat().st_size
                path.unlink()
        return freed

    def byte_count(self) -> int:
        """Return how much the contents take up."""
        return sum(path.stat().st_size for path in self._objects.glob("*/*"))

    def _path(self, sha256: str) -> Path:
        return self._objects / sha256[:2] / sha256


def _compressed(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Compress as lines come, without a time in the head."""
    out = _Buffer()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=5, mtime=0, filename="") as packer:
        for line in lines:
            packer.write(line)
            if out.size > _CHUNK_BYTES:
                yield out.take()
    yield out.take()


class _Buffer:
    """What a compressor has written and nobody has taken yet."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, part: bytes) -> int:
        """Add what was written."""
        self._parts.append(bytes(part))
        self.size += len(part)
        return len(part)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        """Return all of it and begin anew."""
        taken, self._parts, self.size = b"".join(self._parts), [], 0
        return taken


Progress = Callable[[int, int], None]
"""Told how many bytes of how many are done."""

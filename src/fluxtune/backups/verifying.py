"""Check a backup: read every content it names and compare it with its hash."""

from collections.abc import Callable, Iterator

from fluxtune.backups.making import Stopped
from fluxtune.backups.schemas import Damage, Manifest
from fluxtune.backups.vault import BackupDamaged, Progress, Vault

MOST_PROBLEMS = 100
"""So many problems are named; a disk that is broken makes no better list by being longer."""


def verify(
    vault: Vault,
    manifest: Manifest,
    progress: Progress = lambda _done, _total: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Damage:
    """Read all of a backup and return what is wrong with it. Raises `Stopped`."""
    damage = Damage(backup_id=manifest.id, checked_count=0, checked_bytes=0, problems=[])
    seen: set[str] = set()
    for what, sha256, byte_count in _contents(vault, manifest, damage):
        if is_stopped():
            raise Stopped
        if sha256 in seen:
            continue
        seen.add(sha256)
        try:
            for chunk in vault.chunks(sha256):
                damage.checked_bytes += len(chunk)
                progress(min(damage.checked_bytes, manifest.byte_count), manifest.byte_count)
        except BackupDamaged as error:
            _note(damage, f"{what}: {error.detail}")
        except OSError as error:
            _note(damage, f"{what}: can't be read ({error.strerror}).")
        damage.checked_count += 1
        if byte_count is not None and not vault.has(sha256, byte_count):
            _note(damage, f"{what}: is not {byte_count} bytes long.")
    progress(manifest.byte_count, manifest.byte_count)
    return damage


def _contents(vault: Vault, manifest: Manifest, damage: Damage) -> Iterator[tuple[str, str, int | None]]:
    for table in manifest.tables:
        yield f"table {table.name}", table.sha256, table.byte_count
    yield "list of files", manifest.files, None
    try:
        for file in vault.files(manifest):
            yield file.path, file.sha256, file.byte_count
    except (BackupDamaged, OSError, EOFError, ValueError):
        _note(damage, "list of files: can't be read; which files it held is not known.")


def _note(damage: Damage, problem: str) -> None:
    if len(damage.problems) < MOST_PROBLEMS:
        damage.problems.append(problem)

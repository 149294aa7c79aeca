"""A backup made while others write, checked, and restored: the same rows, the same files."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from fluxtune.backups.making import Stopped, make_backup
from fluxtune.backups.restoring import StudioRunning, restore, restore_settings_file
from fluxtune.backups.vault import BackupDamaged, BackupMissing, BackupRunning, Vault
from fluxtune.backups.verifying import verify
from fluxtune.config import Settings, load_settings
from fluxtune.core.ids import new_id
from fluxtune.db import Database
from fluxtune.db.copying import NotEmpty, frozen
from fluxtune.jobs import service as jobs
from fluxtune.storage import Blobs, FileLock


@pytest.fixture
def studio(settings: Settings) -> Settings:
    """A studio with a few rows and files of every kind that is copied, and some that are not."""
    blobs = Blobs.at(settings.paths.blobs)
    for number in range(5):
        blobs.put_content("images", f"image {number}".encode() * 100, "png")
    files = {
        "models/m1/v1.safetensors": b"weights" * 1000,
        "runs/f1/run.json": b"{}",
        "runs/f1/checkpoints/step-000010/adapter.safetensors": b"weights" * 1000,  # the same content
        "runs/f1/checkpoints/.step-000020.7.part/adapter.safetensors": b"half",
        "runs/f1/cache/latents.safetensors": b"made again",
        "runs/f1/run.lock": b"",
        "bases/big/model.safetensors": b"downloaded",
        "fluxtune.toml": b'[log]\nlevel = "debug"\n',
        "secret.key": b"k" * 44,
    }
    for path, content in files.items():
        target = settings.data / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return settings


@pytest.fixture
def database(studio: Settings) -> Database:
    database = Database.at(studio.paths.database)
    with database.transaction() as session:
        jobs.enqueue(session, "finetune", "f1", "Finetune “Rex” – ü", {"a": None}, steps=10)
        jobs.enqueue(session, "generation", "g1", "Generation", {"n": 1.5})
    return database


def back_up(settings: Settings, database: Database, **more):
    return make_backup(settings, database, Blobs.at(settings.paths.blobs), new_id(), "asked", **more)


def contents(settings: Settings) -> dict[str, bytes]:
    """Return all files that should be the same after a restore."""
    kept = ("models", "runs", "blobs", "secret.key", "fluxtune.toml")
    return {
        path.relative_to(settings.data).as_posix(): path.read_bytes()
        for name in kept
        for path in [settings.data / name, *(settings.data / name).rglob("*")]
        if path.is_file() and not {"cache", "run.lock"} & set(path.parts) and ".part" not in str(path)
    }


def rows(database: Database) -> dict[str, list[bytes]]:
    with frozen(database) as copy:
        return {name: list(copy.lines(name)) for name in copy.columns}


def restored(vault: Vault, data: Path, **settings) -> Settings:
    manifest = vault.find()
    restore_settings_file(vault, manifest, data)
    target = load_settings(data, **settings)
    restore(vault, manifest, target)
    return target


def test_restored_is_what_was_copied(studio: Settings, database: Database, tmp_path: Path) -> None:
    manifest = back_up(studio, database)
    vault = Vault(studio.backup_folder)
    assert verify(vault, manifest).problems == []
    target = restored(vault, tmp_path / "new")
    assert contents(target) == contents(studio)
    assert target.log.level == "debug"
    assert (target.data / "secret.key").stat().st_mode & 0o777 == 0o600
    assert not (target.data / "bases" / "big").exists()
    before, after = rows(database), rows(Database.at(target.paths.database))
    assert {name for name in before if before[name] != after[name]} <= {"job", "job_event", "audit_entry", "audit_head"}
    for table in manifest.tables:
        assert table.row_count == len(before[table.name])


def test_nothing_starts_by_itself_after_a_restore(studio: Settings, database: Database, tmp_path: Path) -> None:
    back_up(studio, database)
    target = restored(Vault(studio.backup_folder), tmp_path / "new")
    with Database.at(target.paths.database).reading() as session:
        states = {job.kind: job.state for job in jobs.list_(session)}
        newest = jobs.newest_event_id(session)
    assert states == {"finetune": "paused", "generation": "cancelled"}
    with database.reading() as session:
        assert newest > jobs.newest_event_id(session), "a number of an event is never given out twice"


def test_what_is_written_meanwhile_does_not_tear_it(studio: Settings, database: Database, tmp_path: Path) -> None:
    stop = threading.Event()
    count = 0

    def write() -> None:
        nonlocal count
        other, blobs = Database.at(studio.paths.database), Blobs.at(studio.paths.blobs)
        while not stop.is_set():
            blobs.put_content("images", f"meanwhile {count}".encode(), "png")
            with other.transaction() as session:
                job = jobs.enqueue(session, "generation", f"m{count}", "Meanwhile", {})
                jobs.cancel(session, job.id)
            count += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while count < 3:
            pass
        back_up(studio, database)
    finally:
        stop.set()
        writer.join()
    target = restored(Vault(studio.backup_folder), tmp_path / "new")
    with Database.at(target.paths.database).reading() as session:
        found = session.execute(text("SELECT target_id FROM job WHERE title = 'Meanwhile'")).scalars().all()
        orphans = session.scalar(text("SELECT count(*) FROM job_event WHERE job_id NOT IN (SELECT id FROM job)"))
    assert len(found) >= 3
    assert orphans == 0
    known = contents(target)
    for each in found:  # the blob was written before the row
        number = each.removeprefix("m")
        assert f"meanwhile {number}".encode() in known.values()


def test_the_second_backup_copies_only_what_is_new(studio: Settings, database: Database) -> None:
    first = back_up(studio, database)
    Blobs.at(studio.paths.blobs).put_content("images", b"new", "png")
    second = back_up(studio, database)
    assert second.file_count == first.file_count + 1
    assert second.new_bytes < first.new_bytes
    assert [each.id for each in Vault(studio.backup_folder).list_()] == [second.id, first.id]


def test_removing_one_leaves_the_other_whole(studio: Settings, database: Database) -> None:
    first = back_up(studio, database)
    (studio.paths.models / "m1" / "v1.safetensors").write_bytes(b"other")
    second = back_up(studio, database)
    vault = Vault(studio.backup_folder)
    assert vault.remove([first.id]) > 0
    assert verify(vault, second).problems == []
    with pytest.raises(BackupMissing):
        vault.find(first.id)


def test_damage_is_named(studio: Settings, database: Database, tmp_path: Path) -> None:
    manifest = back_up(studio, database)
    vault = Vault(studio.backup_folder)
    file = next(each for each in vault.files(manifest) if each.path == "models/m1/v1.safetensors")
    path = vault.folder / "objects" / file.sha256[:2] / file.sha256
    path.write_bytes(b"x" + path.read_bytes()[1:])
    found = verify(vault, manifest)
    assert len(found.problems) == 1
    assert "models/m1/v1.safetensors" in found.problems[0] or "step-000010" in found.problems[0]
    with pytest.raises(BackupDamaged):
        restored(vault, tmp_path / "new")
    assert not (tmp_path / "new" / "fluxtune.sqlite").exists(), "a studio that is not whole must not be found"


def test_a_studio_is_never_overwritten(studio: Settings, database: Database) -> None:
    manifest = back_up(studio, database)
    with pytest.raises(NotEmpty):
        restore(Vault(studio.backup_folder), manifest, studio)
    lock = FileLock(studio.paths.worker_lock)
    lock.acquire()
    with pytest.raises(StudioRunning):
        restore(Vault(studio.backup_folder), manifest, studio)
    lock.release()


def test_paths_out_of_the_folder_are_refused(studio: Settings, database: Database, tmp_path: Path) -> None:
    manifest = back_up(studio, database)
    vault = Vault(studio.backup_folder)
    first = next(vault.files(manifest)).model_copy(update={"place": "data", "path": "../outside"})
    name, _, _ = vault.put_lines([first.model_dump_json().encode()])
    vault.write(manifest.model_copy(update={"files": name}))
    with pytest.raises(BackupDamaged):
        restored(vault, tmp_path / "new")
    assert not (tmp_path / "outside").exists()


def test_the_key_stays_where_it_is_if_wanted(studio: Settings, database: Database) -> None:
    studio.backups.with_key = False
    manifest = back_up(studio, database)
    assert manifest.lacks_key
    assert "secret.key" not in {each.path for each in Vault(studio.backup_folder).files(manifest)}


def test_bases_are_copied_when_asked(studio: Settings, database: Database) -> None:
    manifest = back_up(studio, database, with_bases=True)
    assert "bases/big/model.safetensors" in {each.path for each in Vault(studio.backup_folder).files(manifest)}


def test_one_at_a_time(studio: Settings, database: Database) -> None:
    lock = Vault(studio.backup_folder).lock()
    with pytest.raises(BackupRunning):
        back_up(studio, database)
    lock.release()


def test_stopped_leaves_nothing_listed(studio: Settings, database: Database) -> None:
    with pytest.raises(Stopped):
        back_up(studio, database, is_stopped=lambda: True)
    assert Vault(studio.backup_folder).list_() == []


def test_an_older_copy_is_upgraded(studio: Settings, database: Database, tmp_path: Path) -> None:
    """A backup of the schema of an earlier version is loaded into that schema, and then migrated."""
    from alembic import command

    from fluxtune.db.migrate import alembic_config, newest_revision

    old = Database.at(tmp_path / "old.sqlite")
    command.upgrade(alembic_config(old), "0013")
    with old.transaction() as session:
        session.execute(
            text(
                "INSERT INTO dataset (id, name, mode, trigger_word, notes, created_at, updated_at) "
                "VALUES ('d', 'Rex', 'general', 'rx', '', '2026-01-01', '2026-01-01')"
            )
        )
    back_up(studio, old)
    target = restored(Vault(studio.backup_folder), tmp_path / "new")
    with Database.at(target.paths.database).reading() as session:
        assert session.scalar(text("SELECT name FROM dataset")) == "Rex"
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == newest_revision()

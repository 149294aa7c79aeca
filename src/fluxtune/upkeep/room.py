"""What takes room: rows say how large images are, folders are walked. Measured at most once a minute."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.orm import Session

from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.finetunes import retention
from fluxtune.jobs import service as jobs
from fluxtune.storage import Blobs, is_locked
from fluxtune.upkeep import repository
from fluxtune.upkeep.schemas import CleaningOffer, Room, RoomKind, RoomPart, RoomThing

MOST_THINGS = 20
_KEEP_S = 60.0
_ORIGINS: dict[str, RoomKind] = {"generated": "generated_images", "sample": "sample_images"}
"""Every other origin is a picture somebody brought here."""


class RoomMeter:
    """Measures one studio, and remembers what it found for a minute: walking many files takes seconds."""

    def __init__(self, settings: Settings, blobs: Blobs) -> None:
        self._settings = settings
        self._blobs = blobs
        self._lock = threading.Lock()
        self._found: tuple[float, list[tuple[str, str]], Room] | None = None

    def forget(self) -> None:
        """Measure anew when asked next."""
        self._found = None

    def measure(self, session: Session) -> Room:
        """Return what takes room; two who ask at once wait for one measurement.

        What was found before a cleaning went on is not what is there now, whichever server was asked for it.
        """
        with self._lock:
            cleaned = [(job.id, str(job.state)) for job in jobs.list_(session, kind="cleaning", limit=1)]
            if self._found is None or self._found[1] != cleaned or time.monotonic() - self._found[0] > _KEEP_S:
                self._found = time.monotonic(), cleaned, self._measure(session)
            return self._found[2]

    def _measure(self, session: Session) -> Room:
        paths, rules = self._settings.paths, self._settings.retention
        runs, models = _by_child(paths.runs), _by_child(paths.models)
        parts = list(self._parts(session, sum(runs.values()), sum(models.values())))
        disk = shutil.disk_usage(paths.data)
        return Room(
            measured_at=now(),
            data_dir=str(paths.data),
            byte_count=sum(part.byte_count for part in parts),
            disk_free_bytes=disk.free,
            disk_total_bytes=disk.total,
            parts=sorted(parts, key=lambda part: -part.byte_count),
            things=_things(session, runs, models),
            offers=self._offers(session),
            trash_days=self._settings.trash.keep_days,
            checkpoint_days=rules.checkpoint_days,
            sample_days=rules.sample_days,
            probe_days=rules.probe_days,
        )

    def _parts(self, session: Session, run_bytes: int, model_bytes: int) -> Iterator[RoomPart]:
        paths = self._settings.paths
        sizes: dict[RoomKind, list[int]] = {}
        for origin, (size, count) in repository.images_by_origin(session).items():
            part = sizes.setdefault(_ORIGINS.get(origin, "dataset_images"), [0, 0])
            part[0], part[1] = part[0] + size, part[1] + count
        thumbnails = [blob.byte_count for blob in self._blobs.list_() if blob.key.startswith("thumbnails/")]
        sizes["thumbnails"] = [sum(thumbnails), len(thumbnails)]
        saved, saved_count = repository.checkpoints(session)
        sizes["checkpoints"] = [min(saved, run_bytes), saved_count]
        sizes["runs"] = [max(0, run_bytes - saved), _children(paths.runs)]
        sizes["models"] = [model_bytes, _children(paths.models)]
        folders: dict[RoomKind, Path] = {"bases": paths.bases, "logs": paths.logs}
        for kind, folder in folders.items():
            sizes[kind] = [_size(folder), _children(folder)]
        backup_folder = self._settings.backup_folder
        sizes["backups"] = [_size(backup_folder), len(list((backup_folder / "backups").glob("*.json")))]
        files = [file for file in paths.data.glob("*.sqlite*") if file.is_file()]
        sizes["database"] = [sum(file.stat().st_size for file in files), len(files)]
        sizes["other"] = [_size(paths.probes) + _size(paths.generations), 0]
        return (RoomPart(kind=kind, byte_count=size, count=count) for kind, (size, count) in sizes.items() if size)

    def _offers(self, session: Session) -> list[CleaningOffer]:
        ended = retention.list_ended(session, now())
        size, count = repository.trashed(session)
        offers = [CleaningOffer(what="trash", count=count, byte_count=size)]
        count, size = retention.count_early_checkpoints(session, ended)
        offers.append(CleaningOffer(what="checkpoints", count=count, byte_count=size))
        samples = self._settings.paths
        count = retention.count_early_samples(session, ended)
        size = sum(_size_of(file) for each in ended for file in (samples.run(each) / "samples").glob("step-*"))
        offers.append(CleaningOffer(what="samples", count=count, byte_count=size if count else 0))
        caches = [_size(folder) for folder in idle_caches(self._settings, ended)]
        offers.append(CleaningOffer(what="caches", count=len(caches), byte_count=sum(caches)))
        return [offer for offer in offers if offer.count]


def idle_caches(settings: Settings, finetune_ids: list[str]) -> list[Path]:
    """Return the folders of what these finetunes keep prepared of their images, where no trainer is at work."""
    runs = [settings.paths.run(each) for each in finetune_ids]
    return [run / "cache" for run in runs if (run / "cache").is_dir() and not is_locked(run / "run.lock")]


def _things(session: Session, runs: dict[str, int], models: dict[str, int]) -> list[RoomThing]:
    known = repository.names(session)
    things = [
        RoomThing(kind="dataset", id=each.id, name=each.name, byte_count=each.byte_count, is_deleted=each.is_deleted)
        for each in repository.datasets(session, MOST_THINGS)
    ]
    for id_, size in runs.items():
        if ("finetune", id_) in known:
            name, is_deleted = known["finetune", id_]
            things.append(RoomThing(kind="finetune", id=id_, name=name, byte_count=size, is_deleted=is_deleted))
    for id_, size in models.items():
        if ("model", id_) in known:
            name, is_deleted = known["model", id_]
            things.append(RoomThing(kind="model", id=id_, name=name, byte_count=size, is_deleted=is_deleted))
    return sorted(things, key=lambda thing: -thing.byte_count)[:MOST_THINGS]


def _by_child(folder: Path) -> dict[str, int]:
    """Return the size of everything in each folder within a folder."""
    return {child.name: _size(child) for child in folder.iterdir() if child.is_dir()} if folder.is_dir() else {}


def _children(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0


def _size(folder: Path) -> int:
    return sum(_size_of(Path(at) / name) for at, _, names in os.walk(folder) for name in names)


def _size_of(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:  # gone meanwhile
        return 0

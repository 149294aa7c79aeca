"""Finetunes that are removed for good, and what keeps the contents of others."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from fluxtune.config import Paths
from fluxtune.finetunes import repository
from fluxtune.jobs import service as jobs
from fluxtune.sharing import service as sharing
from fluxtune.storage import is_locked
from fluxtune.trash import service as trash
from fluxtune.webhooks import service as webhooks


@dataclass(frozen=True, slots=True)
class Freed:
    """What a finetune that is gone referred to: images by id, and training images by the hash of their content."""

    image_ids: list[str]
    hashes: set[str]


def list_expired(session: Session, before: datetime) -> Sequence[str]:
    """Return the finetunes that were deleted before then."""
    return repository.list_expired(session, before)


def may_purge(session: Session, paths: Paths, finetune_id: str, before: datetime) -> bool:
    """Return whether a finetune is in the trash still and nothing works on it."""
    row = repository.find_expired(session, finetune_id, before)
    if row is None or jobs.is_at_work_on(session, finetune_id):
        return False
    return not is_locked(paths.run(finetune_id) / "run.lock")


def purge(session: Session, paths: Paths, finetune_id: str, before: datetime) -> Freed:
    """Remove a finetune, all its run said, its jobs and its messages; its model stays. Ask `may_purge` first."""
    row = repository.find_expired(session, finetune_id, before)
    if row is None:
        return Freed([], set())
    images = [sample.image_id for sample in repository.list_samples(session, row.id)]
    images += [row.cover_image_id] if row.cover_image_id else []
    hashes = _hashes(row.snapshot)
    trash.leave_file(session, paths.data, paths.run(row.id))
    repository.remove(session, row)
    jobs.forget(session, [finetune_id])
    webhooks.forget(session, finetune_id)
    sharing.forget(session, "finetune", [finetune_id])
    return Freed(images, hashes)


def forget_model(session: Session, model_id: str) -> None:
    """Let finetunes not name a model any more."""
    repository.forget_model(session, model_id)


def kept_hashes(session: Session) -> Collection[str]:
    """Return the contents that finetunes, also those in the trash, and probes under way train on."""
    probes = [job.id for job in jobs.list_(session, active=True, kind="probe")]
    return set().union(*(_hashes(snapshot) for snapshot in repository.list_snapshots(session, probes)))


def _hashes(snapshot: dict[str, list[dict[str, str]]]) -> set[str]:
    return {image["sha256"] for image in snapshot["images"]}

"""What finetunes that ended long ago can do without: early checkpoints, early samples; and old probes.

The last checkpoint always stays: a run is resumed and extended from it. So do the base's own samples and the last ones.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from fluxtune.config import Paths
from fluxtune.engine.runfolder import RunFolder
from fluxtune.finetunes import repository
from fluxtune.jobs import service as jobs
from fluxtune.trash import service as trash


def list_ended(session: Session, before: datetime) -> list[str]:
    """Return the finetunes whose runs succeeded, failed or were cancelled before then, those in the trash as well."""
    rows = repository.list_all(session)
    known = jobs.get_many(session, [row.job_id for row in rows])
    ended = {each.id for each in known.values() if each.finished_at is not None and each.finished_at < before}
    return [row.id for row in rows if row.job_id in ended]


def count_early_checkpoints(session: Session, finetune_ids: Sequence[str]) -> tuple[int, int]:
    """Return how many checkpoints before the last these finetunes have, and how many bytes they take up."""
    rows = repository.list_early_checkpoints(session, finetune_ids)
    return len(rows), sum(row.byte_count for row in rows)


def count_early_samples(session: Session, finetune_ids: Sequence[str]) -> int:
    """Return how many samples before the last these finetunes have."""
    return len(repository.list_early_samples(session, finetune_ids))


def drop_early_checkpoints(session: Session, paths: Paths, finetune_id: str) -> int:
    """Remove all checkpoints of a finetune but the last; their folders are left to the sweep. Return how many."""
    rows = repository.list_early_checkpoints(session, [finetune_id])
    checkpoints = RunFolder(paths.run(finetune_id)).checkpoints
    for row in rows:
        trash.leave_file(session, paths.data, checkpoints / row.folder)
        repository.remove_part(session, row)
    return len(rows)


def drop_early_samples(session: Session, paths: Paths, finetune_id: str) -> tuple[int, list[str]]:
    """Remove the samples of a finetune but the base's and the last; return how many, and the images they showed."""
    rows = repository.list_early_samples(session, [finetune_id])
    folder = RunFolder(paths.run(finetune_id))
    for row in rows:
        trash.leave_file(session, paths.data, folder.sample_file(row.step, row.row))
        repository.remove_part(session, row)
    return len(rows), [row.image_id for row in rows]


def list_old_probes(session: Session, before: datetime) -> list[str]:
    """Return the probes that were made before then and are over."""
    return [row.id for row in repository.list_old_probes(session, before) if not jobs.is_at_work_on(session, row.id)]


def drop_probe(session: Session, paths: Paths, probe_id: str) -> set[str] | None:
    """Remove a probe, its job and its folder; return the hashes of the images it trained on, None if it stays."""
    row = repository.find_probe(session, probe_id)
    if row is None or jobs.is_at_work_on(session, probe_id):
        return None
    hashes = {image["sha256"] for image in row.snapshot["images"]}
    trash.leave_file(session, paths.data, paths.probe(probe_id))
    repository.remove_part(session, row)
    jobs.forget(session, [probe_id])
    return hashes

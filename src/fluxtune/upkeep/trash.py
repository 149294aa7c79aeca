"""Empties the trash: what was deleted long ago goes for good, and its files after it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from fluxtune.backups import service as backups
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.datasets import purging as datasets
from fluxtune.db import Database
from fluxtune.deployments import purging as deployments
from fluxtune.finetunes import purging as finetunes
from fluxtune.generations import purging as generations
from fluxtune.health import purging as health
from fluxtune.images import purging as images
from fluxtune.models import purging as models
from fluxtune.storage import Blobs
from fluxtune.trash import service as leftovers

log = structlog.get_logger(__name__)

List = Callable[[Session, datetime], Sequence[str]]
Purge = Callable[[Session, str, datetime], bool]
_YOUNG = timedelta(days=1)


class Trash:
    """Removes one thing per transaction: nobody waits for long, and a crash in between leaves only whole things."""

    def __init__(self, settings: Settings, database: Database, blobs: Blobs) -> None:
        self._paths = settings.paths
        self._settings = settings.trash
        self._database = database
        self._blobs = blobs

    def empty(self, at: datetime, *, all_of_it: bool = False) -> int:
        """Remove what was deleted `trash.keep_days` before `at`, or all of it; return how many things that were."""
        count = 0
        keep_days = 0 if all_of_it else self._settings.keep_days
        if keep_days or all_of_it:
            before = at - timedelta(days=keep_days)
            parts: Iterable[tuple[List, Purge]] = (
                (images.list_expired, self._purge_image),
                (models.list_expired, self._purge_model),
                (finetunes.list_expired, self._purge_finetune),
                (datasets.list_expired_images, self._purge_dataset_image),
                (datasets.list_expired, self._purge_dataset),
                (_list_unused_edits, self._purge_edit),
            )
            count = sum(self._purge_all(find, purge, before) for find, purge in parts)
        files = leftovers.sweep(self._database, self._blobs, self._paths.data, at, backups.is_under_way)
        if count or files:
            log.info("emptied the trash", things=count, files=files)
        return count

    def _purge_all(self, find: List, purge: Purge, before: datetime) -> int:
        with self._database.reading() as session:
            ids = find(session, before)
        count = 0
        for each in ids:
            try:
                with self._database.transaction() as session:
                    count += purge(session, each, before)
            except Exception:
                log.exception("could not be removed for good; trying again later", id=each)
        return count

    def _purge_image(self, session: Session, image_id: str, before: datetime) -> bool:
        if not images.purge(session, image_id, before):
            return False
        generations.forget_image(session, image_id)
        return self._free(session, [image_id])

    def _purge_model(self, session: Session, model_id: str, before: datetime) -> bool:
        if not models.may_purge(session, model_id, before):
            return False
        deployments.forget_model(session, model_id)
        cover = models.purge(session, self._paths, model_id, before)
        if cover is None:
            return False
        finetunes.forget_model(session, model_id)
        return self._free(session, cover)

    def _purge_finetune(self, session: Session, finetune_id: str, before: datetime) -> bool:
        if not finetunes.may_purge(session, self._paths, finetune_id, before):
            return False
        shown = health.forget_finetune(session, finetune_id)
        models.forget_finetune(session, finetune_id)
        freed = finetunes.purge(session, self._paths, finetune_id, before)
        return self._free(session, [*shown, *freed.image_ids, *images.find_uploaded(session, freed.hashes)])

    def _purge_dataset_image(self, session: Session, dataset_image_id: str, before: datetime) -> bool:
        freed = datasets.purge_image(session, dataset_image_id, before)
        return freed is not None and self._free(session, freed)

    def _purge_dataset(self, session: Session, dataset_id: str, before: datetime) -> bool:
        freed = datasets.purge(session, dataset_id, before)
        if freed is None:
            return False
        models.forget_dataset(session, dataset_id)
        return self._free(session, freed)

    def _purge_edit(self, session: Session, image_id: str, before: datetime) -> bool:
        return images.remove_unused(session, [image_id], finetunes.kept_hashes(session)) > 0

    def _free(self, session: Session, image_ids: Sequence[str]) -> bool:
        """Remove the images that nothing shows any more."""
        if image_ids:
            images.remove_unused(session, image_ids, finetunes.kept_hashes(session))
        return True


def _list_unused_edits(session: Session, before: datetime) -> Sequence[str]:
    """Leave those of the last day alone: the row that shows a picture is written a moment after it."""
    return images.list_unused_edits(session, min(before, now() - _YOUNG))

"""Models that are removed for good."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from fluxtune.config import Paths
from fluxtune.models import repository
from fluxtune.sharing import service as sharing
from fluxtune.trash import service as trash


def list_expired(session: Session, before: datetime) -> Sequence[str]:
    """Return the models that were deleted before then."""
    return repository.list_expired(session, before)


def may_purge(session: Session, model_id: str, before: datetime) -> bool:
    """Return whether a model is still in the trash; nobody restores it before the transaction ends."""
    return repository.find_expired(session, model_id, before) is not None


def purge(session: Session, paths: Paths, model_id: str, before: datetime) -> list[str] | None:
    """Remove a model with its versions, unless it was restored; return the images it showed, None if it stays."""
    row = repository.find_expired(session, model_id, before)
    if row is None:
        return None
    trash.leave_file(session, paths.data, paths.models / row.id)
    cover = [row.cover_image_id] if row.cover_image_id else []
    repository.remove(session, row)
    sharing.forget(session, "model", [model_id])
    return cover


def forget_finetune(session: Session, finetune_id: str) -> None:
    """Let models not name a finetune any more."""
    repository.forget_finetune(session, finetune_id)


def forget_dataset(session: Session, dataset_id: str) -> None:
    """Let models not name a dataset any more."""
    repository.forget_dataset(session, dataset_id)

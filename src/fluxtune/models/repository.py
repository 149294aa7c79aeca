"""Every query about finetuned models."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from fluxtune.models.tables import ModelRow, ModelVersionRow


def find_model(session: Session, model_id: str) -> ModelRow | None:
    """Return one finetuned model, also from the trash."""
    return session.get(ModelRow, model_id)


def find_by_finetune(session: Session, finetune_id: str) -> ModelRow | None:
    """Return the model a finetune made."""
    return session.scalars(select(ModelRow).where(ModelRow.finetune_id == finetune_id).limit(1)).first()


def list_models(session: Session, deleted: bool) -> list[ModelRow]:
    """Return the finetuned models in or outside the trash, newest first."""
    in_trash = ModelRow.deleted_at.is_not(None) if deleted else ModelRow.deleted_at.is_(None)
    return list(session.scalars(select(ModelRow).where(in_trash).order_by(ModelRow.id.desc())))


def list_versions(session: Session, model_ids: Iterable[str]) -> dict[str, list[ModelVersionRow]]:
    """Return the versions of some models, the one trained furthest first: that is the one in use.

    Checkpoints of earlier steps may be kept as versions later on.
    """
    query = (
        select(ModelVersionRow)
        .where(ModelVersionRow.model_id.in_(list(model_ids)))
        .order_by(ModelVersionRow.step.desc(), ModelVersionRow.id.desc())
    )
    versions: dict[str, list[ModelVersionRow]] = defaultdict(list)
    for row in session.scalars(query):
        versions[row.model_id].append(row)
    return versions


def find_version(session: Session, model_id: str, version_id: str) -> ModelVersionRow | None:
    """Return one version of a model."""
    row = session.get(ModelVersionRow, version_id)
    return row if row is not None and row.model_id == model_id else None


def name_exists(session: Session, name: str) -> bool:
    """Return whether a model outside the trash has this name."""
    query = select(ModelRow.id).where(ModelRow.name == name, ModelRow.deleted_at.is_(None)).limit(1)
    return session.scalars(query).first() is not None


def add(session: Session, row: ModelRow | ModelVersionRow) -> None:
    """Add a row."""
    session.add(row)
    session.flush()

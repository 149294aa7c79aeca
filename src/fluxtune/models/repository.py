"""Every query about finetuned models."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from fluxtune.models.tables import DeploymentRow, ModelRow, ModelVersionRow


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


@dataclass(frozen=True, slots=True)
class Brief:
    """What one searches models by. `text`: all that words are looked for in, folded."""

    id: str
    name: str
    base: str
    mode: str
    tags: list[str]
    text: str


def list_briefs(session: Session) -> list[Brief]:
    """Return the models outside the trash by what one searches them by."""
    query = select(
        ModelRow.id,
        ModelRow.name,
        ModelRow.base,
        ModelRow.mode,
        ModelRow.tags,
        ModelRow.trigger_word,
        ModelRow.description,
        ModelRow.notes,
    ).where(ModelRow.deleted_at.is_(None))
    return [
        Brief(id_, name, base, mode, tags, "\n".join((name, base, *tags, *texts)).casefold())
        for id_, name, base, mode, tags, *texts in session.execute(query)
    ]


def find_models(session: Session, ids: Sequence[str]) -> list[ModelRow]:
    """Return some models in the order asked for; those that are gone are left out."""
    found = {row.id: row for row in session.scalars(select(ModelRow).where(ModelRow.id.in_(ids)))}
    return [found[id_] for id_ in ids if id_ in found]


def list_versions(session: Session, model_ids: Iterable[str]) -> dict[str, list[ModelVersionRow]]:
    """Return the versions of some models, the one trained furthest first.

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


def find_deployment(session: Session, model_id: str) -> DeploymentRow | None:
    """Return where a model is at BFL."""
    return session.get(DeploymentRow, model_id)


def list_deployments(session: Session, model_ids: Iterable[str]) -> dict[str, DeploymentRow]:
    """Return where some models are at BFL, by their ids."""
    query = select(DeploymentRow).where(DeploymentRow.model_id.in_(list(model_ids)))
    return {row.model_id: row for row in session.scalars(query)}


def find_deployed(session: Session, finetune_id: str) -> list[tuple[DeploymentRow, ModelRow]]:
    """Return the models outside the trash that have a name at BFL."""
    query = (
        select(DeploymentRow, ModelRow)
        .join(ModelRow, ModelRow.id == DeploymentRow.model_id)
        .where(DeploymentRow.finetune_id == finetune_id, ModelRow.deleted_at.is_(None))
        .order_by(DeploymentRow.created_at)
    )
    return [(deployment, model) for deployment, model in session.execute(query)]


def remove_deployment(session: Session, row: DeploymentRow) -> None:
    """Forget where a model is at BFL."""
    session.delete(row)
    session.flush()


def name_exists(session: Session, name: str) -> bool:
    """Return whether a model outside the trash has this name."""
    query = select(ModelRow.id).where(ModelRow.name == name, ModelRow.deleted_at.is_(None)).limit(1)
    return session.scalars(query).first() is not None


def add(session: Session, row: ModelRow | ModelVersionRow | DeploymentRow) -> None:
    """Add a row."""
    session.add(row)
    session.flush()


def list_expired(session: Session, before: datetime) -> Sequence[str]:
    """Return the models that were deleted before then."""
    return session.scalars(select(ModelRow.id).where(ModelRow.deleted_at < before)).all()


def find_expired(session: Session, model_id: str, before: datetime) -> ModelRow | None:
    """Return a model unless it was restored meanwhile; nobody restores it before the transaction ends."""
    query = select(ModelRow).where(ModelRow.id == model_id, ModelRow.deleted_at < before).with_for_update()
    return session.scalars(query).first()


def remove(session: Session, row: ModelRow) -> None:
    """Remove a model with its versions, and where it is at BFL."""
    session.execute(delete(DeploymentRow).where(DeploymentRow.model_id == row.id))
    session.execute(delete(ModelVersionRow).where(ModelVersionRow.model_id == row.id))
    session.delete(row)
    session.flush()


def forget_finetune(session: Session, finetune_id: str) -> None:
    """Let models not name a finetune any more."""
    session.execute(update(ModelRow).where(ModelRow.finetune_id == finetune_id).values(finetune_id=None))


def forget_dataset(session: Session, dataset_id: str) -> None:
    """Let models not name a dataset any more."""
    session.execute(update(ModelRow).where(ModelRow.dataset_id == dataset_id).values(dataset_id=None))

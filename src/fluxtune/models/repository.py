"""Every query about finetuned models."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, TableValuedAlias, delete, exists, func, select, true, update
from sqlalchemy.orm import Session

from fluxtune.models.tables import DeploymentRow, ModelRow, ModelVersionRow
from fluxtune.sharing import service as sharing


def find_model(session: Session, model_id: str) -> ModelRow | None:
    """Return one finetuned model, also from the trash."""
    return session.get(ModelRow, model_id)


def find_by_finetune(session: Session, finetune_id: str) -> ModelRow | None:
    """Return the model a finetune made."""
    return session.scalars(select(ModelRow).where(ModelRow.finetune_id == finetune_id).limit(1)).first()


def list_models(session: Session, deleted: bool) -> list[ModelRow]:
    """Return the finetuned models in or outside the trash, newest first."""
    in_trash = ModelRow.deleted_at.is_not(None) if deleted else ModelRow.deleted_at.is_(None)
    query = select(ModelRow).where(in_trash).order_by(ModelRow.id.desc())
    return list(session.scalars(sharing.only_visible(query, "model", ModelRow.id)))


def list_handles(session: Session) -> list[tuple[str, str, str | None]]:
    """Return id, name and finetune of the models outside the trash, newest first."""
    query = select(ModelRow.id, ModelRow.name, ModelRow.finetune_id).where(*_shown()).order_by(ModelRow.id.desc())
    return [(id_, name, finetune_id) for id_, name, finetune_id in session.execute(query)]


Order = Literal["newest", "oldest", "name"]
_ORDERS: dict[Order, tuple[ColumnElement[Any], ...]] = {
    "newest": (ModelRow.id.desc(),),
    "oldest": (ModelRow.id.asc(),),
    "name": (ModelRow.searched.asc(), ModelRow.id.asc()),
}
_OUTSIDE_TRASH = ModelRow.deleted_at.is_(None)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which models to show: every word of `query` must be in name, base, trigger word, tags, notes or description."""

    query: str = ""
    base: str | None = None
    mode: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Facets:
    """How many models outside the trash have which base, kind and tag."""

    whole: int
    bases: dict[str, int]
    modes: dict[str, int]
    tags: dict[str, int]


def searched_text(name: str, base: str, trigger_word: str, tags: Iterable[str], *texts: str) -> str:
    """Return what words are looked for in, of one model."""
    return "\n".join((name, base, trigger_word, *tags, *texts)).casefold()


def find_window(session: Session, wanted: Filter, order: Order, offset: int, limit: int) -> tuple[list[str], int]:
    """Return the ids of a window of the models a filter finds, and how many it finds."""
    conditions = _conditions(session, wanted)
    query = select(ModelRow.id).where(*conditions).order_by(*_ORDERS[order]).offset(offset).limit(limit)
    total = session.scalar(select(func.count()).select_from(ModelRow).where(*conditions)) or 0
    return list(session.scalars(query)), total


def count_facets(session: Session) -> Facets:
    """Count what one can filter by."""
    bases: Counter[str] = Counter()
    modes: Counter[str] = Counter()
    columns = (ModelRow.base, ModelRow.mode)
    for base, mode, count in session.execute(select(*columns, func.count()).where(*_shown()).group_by(*columns)):
        bases[base] += count
        modes[mode] += count
    tag = _tags(session)
    each = select(tag.c.value, func.count()).select_from(ModelRow).join(tag, true()).where(*_shown())
    tags: Counter[str] = Counter()
    for value, count in session.execute(each.group_by(tag.c.value)):
        tags[value] += count
    return Facets(bases.total(), *(_commonest(counts) for counts in (bases, modes, tags)))


def _shown() -> list[ColumnElement[bool]]:
    """Return the conditions that a model is outside the trash, and may be seen by who asks."""
    condition = sharing.visible("model", ModelRow.id)
    return [_OUTSIDE_TRASH] if condition is None else [_OUTSIDE_TRASH, condition]


def _conditions(session: Session, wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = _shown()
    if wanted.base is not None:
        found.append(ModelRow.base == wanted.base)
    if wanted.mode is not None:
        found.append(ModelRow.mode == wanted.mode)
    if wanted.tag is not None:
        tag = _tags(session)
        found.append(exists(select(1).select_from(tag).where(tag.c.value == wanted.tag)))
    words = wanted.query.casefold().split()[:20]
    return found + [ModelRow.searched.contains(word, autoescape=True) for word in words]


def _tags(session: Session) -> TableValuedAlias:
    """Return the tags of a model as rows."""
    if session.get_bind().dialect.name == "sqlite":
        return func.json_each(ModelRow.tags).table_valued("value")
    return func.json_array_elements_text(ModelRow.tags).table_valued("value", joins_implicitly=True)


def _commonest(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts, the commonest first."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


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


def list_deployed(session: Session, limit: int) -> list[tuple[DeploymentRow, ModelRow]]:
    """Return the models outside the trash that have a name at BFL, as far as the actor may see them; newest first."""
    query = (
        select(DeploymentRow, ModelRow)
        .join(ModelRow, ModelRow.id == DeploymentRow.model_id)
        .where(ModelRow.deleted_at.is_(None))
        .order_by(DeploymentRow.created_at.desc(), ModelRow.id.desc())
        .limit(limit)
    )
    visible = sharing.only_visible(query, "model", ModelRow.id)
    return [(deployment, model) for deployment, model in session.execute(visible)]


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

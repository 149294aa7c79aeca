"""The catalogue: bases and finetuned models."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.config import Paths, Settings
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict, InvalidInput, NotFound
from fluxtune.core.ids import new_id
from fluxtune.engine.bases import BaseDescription
from fluxtune.images.gallery import GalleryService
from fluxtune.images.service import ImageService
from fluxtune.models import bases, repository
from fluxtune.models.cleaning import cleaned_value
from fluxtune.models.files import copy_atomically
from fluxtune.models.schemas import Model, ModelUpdate
from fluxtune.models.showing import default_version, to_schema
from fluxtune.models.tables import ModelRow, ModelVersionRow
from fluxtune.sharing import service as sharing
from fluxtune.storage import Blobs

Kind = Literal["base", "finetuned"]


class ModelMissing(NotFound):
    """No such model."""

    title = "No such model"
    action = "Choose one of the Models page; it may be in the trash."


class VersionMissing(NotFound):
    """The model has no such version, or its file is gone."""

    title = "No such version"
    action = "Choose one of the model's versions."


class WeightsElsewhere(Conflict):
    """The model is only known by its name at BFL."""

    title = "The weights are not here"
    action = "Draw it at BFL. To export, measure or draw it here, import the LoRA file itself."


class ModelInTrash(Conflict):
    """The model is in the trash."""

    title = "The model is in the trash"
    action = "Restore it first."


class BaseUnchangeable(Conflict):
    """Bases are folders: the studio neither renames nor removes them."""

    title = "Bases can't be changed here"
    action = "Rename or remove its folder under the data folder's bases, if it is yours."


@dataclass(frozen=True, slots=True)
class NewModel:
    """What is known of a model when it is added: by the finetune that made it, or from the file it came in."""

    finetune_id: str | None
    dataset_id: str | None
    name: str
    base: str
    mode: str
    trigger_word: str
    prompts: list[str]
    description: str
    cover_image_id: str | None
    step: int
    tags: list[str] = field(default_factory=list)
    provenance: dict[str, Any] | None = None
    """Of an imported model: where its file came from."""
    training: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StoredAdapter:
    """An adapter copied to where models are kept, and the ids it was stored under."""

    model_id: str
    version_id: str
    byte_count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class UsableModel:
    """All a generation needs to know: the base, and the adapter if there is one."""

    id: str
    name: str
    base: BaseDescription
    version_id: str | None
    adapter: Path | None
    trigger_word: str
    mode: str | None


@dataclass(frozen=True, slots=True)
class VersionFile:
    """An adapter to download."""

    path: Path
    name: str


def store_adapter(paths: Paths, adapter: Path, model_id: str | None = None) -> StoredAdapter:
    """Copy an adapter to where models are kept: of a new model, or of the one given.

    Touches no table, so that no lock is held while copying.
    """
    model_id, version_id = model_id or new_id(), new_id()
    target = paths.model_version(model_id, version_id)
    copy_atomically(adapter, target)
    return StoredAdapter(model_id, version_id, target.stat().st_size, file_sha256(target))


class ModelService:
    """Lists, renames and removes models, and adds what finetunes make."""

    def __init__(self, session: Session, blobs: Blobs, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._paths = settings.paths
        self._images = ImageService(session, blobs)
        self._gallery = GalleryService(session)

    def list_models(self, kind: Kind | None = None, deleted: bool = False) -> list[Model]:
        """Return finetuned models, newest first, then bases; with `deleted`, what is in the trash."""
        models: list[Model] = []
        if kind != "base":
            models += self._show(repository.list_models(self._session, deleted))
        if kind != "finetuned" and not deleted:
            models += self._show_bases(bases.list_bases(self._settings))
        return models

    def get_model(self, model_id: str) -> Model:
        """Return a finetuned model, also from the trash, or a base by its name."""
        row = self._find(model_id)
        if row is not None:
            return self._show([row])[0]
        base = bases.find_base(self._settings, model_id)
        if base is None:
            raise ModelMissing(f"There is no model “{model_id[:64]}”.")
        return self._show_bases([base])[0]

    def require_finetuned(self, model_id: str) -> Model:
        """Return a finetuned model outside the trash; raise what it is instead."""
        row = self._row(model_id)
        if row.deleted_at is not None:
            raise ModelInTrash(f"“{row.name}” was put into the trash.")
        return self._show([row])[0]

    def names_at_bfl(self, names: Sequence[str]) -> dict[str, str]:
        """Return which models have one of these names at BFL: their ids by name."""
        found = {name: repository.find_deployed(self._session, name) for name in names}
        return {name: models[0][1].id for name, models in found.items() if models}

    def get_models(self, ids: Sequence[str]) -> list[Model]:
        """Return some finetuned models in the order asked for."""
        return self._show(repository.find_models(self._session, ids))

    def update_model(self, model_id: str, change: ModelUpdate) -> Model:
        """Change what was given."""
        row = self._row(model_id)
        if row.deleted_at is not None:
            raise ModelInTrash(f"“{row.name}” was put into the trash.")
        if "default_version_id" in change.model_fields_set:
            self._use_by_default(row, change.default_version_id)
        for part, value in change.model_dump(exclude_unset=True, exclude_none=True).items():
            cleaned = cleaned_value(part, value)
            if part != "default_version_id" and (part != "name" or cleaned):
                setattr(row, part, cleaned)
        row.searched = _searched(row)
        if row.least_strength > row.most_strength:
            raise InvalidInput("The least strength is above the greatest.", field="least_strength")
        return self._show([row])[0]

    def _use_by_default(self, row: ModelRow, version_id: str | None) -> None:
        """Use a version where none is named; None goes back to the one trained furthest, also of versions to come."""
        if version_id is not None and repository.find_version(self._session, row.id, version_id) is None:
            raise VersionMissing(f"“{row.name}” has no version “{version_id[:64]}”.", field="default_version_id")
        row.default_version_id = version_id

    def delete_model(self, model_id: str) -> None:
        """Put a model into the trash; doing it twice changes nothing."""
        row = self._row(model_id)
        if row.deleted_at is None:
            row.deleted_at = now()
            audit.record(self._session, "model.deleted", "model", row.id, name=row.name)

    def restore_model(self, model_id: str) -> Model:
        """Take a model out of the trash."""
        row = self._row(model_id)
        if row.deleted_at is not None:
            row.deleted_at = None
            audit.record(self._session, "model.restored", "model", row.id, name=row.name)
        return self._show([row])[0]

    def get_version_file(self, model_id: str, version_id: str) -> VersionFile:
        """Return the adapter of a version, with a name that says what it is."""
        row = self._row(model_id)
        version = self._version(row, version_id)
        step = f"-{version.step}" if version.step else ""
        name = f"{slug(row.name)}-{slug(row.base)}{step}.safetensors"
        return VersionFile(self._adapter(row, version), name)

    def require_usable(self, model_id: str, version_id: str | None) -> UsableModel:
        """Return what a generation needs; raise what stops it."""
        row = self._find(model_id)
        if row is None:
            base = bases.find_base(self._settings, model_id)
            if base is None:
                bases.refuse_absent(self._settings, model_id)
                raise ModelMissing(f"There is no model “{model_id[:64]}”.", field="model_id")
            if version_id is not None:
                raise VersionMissing(f"{base.title} is a base; bases have no versions.", field="version_id")
            return UsableModel(base.name, base.title, bases.require_ready(base), None, None, "", None)
        if row.deleted_at is not None:
            raise ModelInTrash(f"“{row.name}” was put into the trash.")
        base = bases.require_ready(bases.get_base(self._settings, row.base))
        version = self._version(row, version_id)
        adapter = self._adapter(row, version)
        return UsableModel(row.id, row.name, base, version.id, adapter, row.trigger_word, row.mode)

    def list_bases(self) -> list[BaseDescription]:
        """Return what is known of every base."""
        return bases.list_bases(self._settings)

    def get_base(self, name: str) -> BaseDescription:
        """Return what is known of a base; raise BaseUnknown naming those there are."""
        return bases.get_base(self._settings, name)

    def require_base(self, name: str) -> BaseDescription:
        """Return a base that can be used now; raise BaseUnknown or BaseNotReady."""
        return bases.require_ready(self.get_base(name))

    def find_by_finetune(self, finetune_id: str) -> Model | None:
        """Return the model a finetune made, if the actor may see it."""
        row = repository.find_by_finetune(self._session, finetune_id)
        return self._show([row])[0] if row is not None and sharing.may(self._session, "model", row.id) else None

    def create_model(self, made: NewModel, stored: StoredAdapter | None) -> Model:
        """Add a model with its first version; telling of one finetune twice makes one model.

        Without an adapter it has no version: its weights are elsewhere.
        """
        known = self.find_by_finetune(made.finetune_id) if made.finetune_id else None
        if known is not None:
            return known
        row = ModelRow(
            id=stored.model_id if stored is not None else new_id(),
            name=self._free_name(made.name),
            base=made.base,
            mode=made.mode,
            trigger_word=made.trigger_word,
            notes="",
            description=made.description,
            prompts=made.prompts,
            tags=made.tags,
            provenance=made.provenance,
            training=made.training,
            cover_image_id=made.cover_image_id,
            finetune_id=made.finetune_id,
            dataset_id=made.dataset_id,
            created_at=now(),
            deleted_at=None,
        )
        row.searched = _searched(row)
        repository.add(self._session, row)
        if made.finetune_id is not None:
            sharing.inherit(self._session, ("finetune", made.finetune_id), "model", row.id)
        sharing.own(self._session, "model", row.id)
        if stored is not None:
            self._add_version(row, made.step, stored)
        return self._show([row])[0]

    def add_version(self, model_id: str, step: int, stored: StoredAdapter) -> Model:
        """Add a version to a model that was trained further; told twice of the same step, it adds one."""
        row = self._row(model_id)
        versions = repository.list_versions(self._session, [row.id])[row.id]
        if all(version.step != step for version in versions):
            self._add_version(row, step, stored)
        return self._show([row])[0]

    def _add_version(self, row: ModelRow, step: int, stored: StoredAdapter) -> None:
        version = ModelVersionRow(
            id=stored.version_id,
            model_id=row.id,
            step=step,
            label=f"Step {step}" if step or not row.provenance else "Imported",
            byte_count=stored.byte_count,
            sha256=stored.sha256,
            created_at=now(),
        )
        repository.add(self._session, version)

    def _find(self, model_id: str) -> ModelRow | None:
        row = repository.find_model(self._session, model_id)
        if row is not None:
            sharing.check(self._session, "model", row.id)
        return row

    def _row(self, model_id: str) -> ModelRow:
        row = self._find(model_id)
        if row is not None:
            return row
        base = bases.find_base(self._settings, model_id)
        if base is not None:
            raise BaseUnchangeable(f"{base.title} is a base.")
        raise ModelMissing(f"There is no model “{model_id[:64]}”.")

    def _version(self, row: ModelRow, version_id: str | None) -> ModelVersionRow:
        if version_id is not None:
            version = repository.find_version(self._session, row.id, version_id)
        else:
            version = default_version(row, repository.list_versions(self._session, [row.id])[row.id])
        if version is None and repository.find_deployment(self._session, row.id) is not None:
            raise WeightsElsewhere(f"“{row.name}” was added by its name at BFL; BFL gives no weights out.")
        if version is None:
            wanted = f"no version “{version_id[:64]}”" if version_id else "no version"
            raise VersionMissing(f"“{row.name}” has {wanted}.")
        return version

    def _adapter(self, row: ModelRow, version: ModelVersionRow) -> Path:
        path = self._paths.model_version(row.id, version.id)
        if not path.is_file():
            raise VersionMissing(
                f"The file of “{row.name}” is gone from the data folder.", action="Bring it back from a backup."
            )
        return path

    def _free_name(self, wish: str) -> str:
        wish = wish[:110]
        name, number = wish, 2
        while repository.name_exists(self._session, name):
            name, number = f"{wish} {number}", number + 1
        return name

    def _show_bases(self, found: list[BaseDescription]) -> list[Model]:
        counts = self._gallery.count_by_model(base.name for base in found)
        newest = self._gallery.newest_by_model(base.name for base in found)
        cover_ids = {base.name: newest.get(base.name) for base in found}
        images = self._images.get_images(image_id for image_id in cover_ids.values() if image_id)
        return [
            bases.as_model(
                base, counts.get(base.name, 0), images.get(cover_ids[base.name] or ""), self._settings.defaults.general
            )
            for base in found
        ]

    def _show(self, rows: list[ModelRow]) -> list[Model]:
        versions = repository.list_versions(self._session, [row.id for row in rows])
        counts = self._gallery.count_by_model(row.id for row in rows)
        newest = self._gallery.newest_by_model(row.id for row in rows if row.cover_image_id is None)
        cover_ids = {row.id: row.cover_image_id or newest.get(row.id) for row in rows}
        images = self._images.get_images(image_id for image_id in cover_ids.values() if image_id)
        covers = {model_id: images.get(image_id) for model_id, image_id in cover_ids.items() if image_id}
        known = {base.name: base for base in bases.list_bases(self._settings)} if rows else {}
        deployed = repository.list_deployments(self._session, [row.id for row in rows])
        return [
            to_schema(
                row, versions[row.id], covers.get(row.id), known.get(row.base), counts.get(row.id, 0),
                deployed.get(row.id), self._settings.defaults.of(row.mode),
            )
            for row in rows
        ]  # fmt: skip


def _searched(row: ModelRow) -> str:
    texts = (row.description, row.notes)
    return repository.searched_text(row.name, row.base, row.trigger_word, row.tags, *texts)


def slug(text: str) -> str:
    """Return a file name part any system accepts."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:60] or "model"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Finetuned models as the API shows them."""

from typing import Any, cast

from fluxtune.config.defaults import ModeDefaults
from fluxtune.engine.bases import BaseDescription, shipped_bases
from fluxtune.engine.known_bases import known_base
from fluxtune.images.schemas import Image
from fluxtune.models import bases
from fluxtune.models.deployed import to_deployment
from fluxtune.models.schemas import CommercialUse, DataRights, Model, ModelVersion, Provenance, Training
from fluxtune.models.tables import DeploymentRow, ModelRow, ModelVersionRow

SHIPPED = shipped_bases()
WEIGHTS_ELSEWHERE = "Its weights are at BFL, which gives none out: it is drawn there."


def to_schema(
    row: ModelRow,
    versions: list[ModelVersionRow],
    cover: Image | None,
    base: BaseDescription | None,
    image_count: int,
    deployment: DeploymentRow | None = None,
    usual: ModeDefaults | None = None,
) -> Model:
    """Return a finetuned model as the API shows it."""
    missing = _absence(row.base) if base is None else base.missing
    if not versions and deployment is not None:
        missing = WEIGHTS_ELSEWHERE
    default = default_version(row, versions)
    known = known_base(row.base)
    return Model(
        id=row.id,
        name=row.name,
        kind="finetuned",
        base=row.base,
        mode=row.mode,
        trigger_word=row.trigger_word,
        notes=row.notes,
        licence=base.licence if base else known.licence if known else "",
        description=row.description,
        cover=cover,
        prompts=row.prompts,
        tags=row.tags,
        least_strength=row.least_strength,
        most_strength=row.most_strength,
        data_rights=cast(DataRights, row.data_rights),
        data_licence=row.data_licence,
        commercial_use=commercial_use(row.base, base, cast(DataRights, row.data_rights), row.provenance),
        provenance=Provenance.model_validate(row.provenance) if row.provenance else None,
        training=Training.model_validate(row.training) if row.training else None,
        deployment=to_deployment(deployment) if deployment is not None else None,
        versions=[_to_version(version) for version in versions],
        default_version_id=default.id if default is not None else None,
        defaults=bases.defaults_of(base, usual),
        is_ready=missing is None,
        missing=missing,
        finetune_id=row.finetune_id,
        dataset_id=row.dataset_id,
        image_count=image_count,
        created_at=row.created_at,
        deleted_at=row.deleted_at,
    )


def default_version(row: ModelRow, versions: list[ModelVersionRow]) -> ModelVersionRow | None:
    """Return the version to use where none is named: the chosen one, else the first."""
    chosen = (version for version in versions if version.id == row.default_version_id)
    return next(chosen, versions[0] if versions else None)


def _to_version(row: ModelVersionRow) -> ModelVersion:
    return ModelVersion(
        id=row.id,
        step=row.step,
        label=row.label,
        byte_count=row.byte_count,
        sha256=row.sha256,
        file_url=f"/api/models/{row.model_id}/versions/{row.id}/file",
        created_at=row.created_at,
    )


def commercial_use(
    name: str, base: BaseDescription | None, rights: DataRights, provenance: dict[str, Any] | None = None
) -> CommercialUse:
    """Say whether images made with a model may be sold, and why; the strictest of base and data decides."""
    known = known_base(name)
    if known is not None:
        is_free, licence = known.is_free_commercially, known.licence
    else:
        is_free = base is not None and base.path.parent == SHIPPED
        licence = base.licence if base else ""
    said = (provenance or {}).get("licence")
    theirs = f" Its file says: {said}." if said else ""
    title = known.title if known else base.title if base else name
    if known is not None and not is_free:
        return CommercialUse(answer="no", because=f"{title} is under the {licence}, which forbids it.{theirs}")
    if rights == "restricted":
        return CommercialUse(answer="no", because=f"The images it learned may not be used for that.{theirs}")
    if not is_free:
        return CommercialUse(answer="unknown", because=f"Nobody has said what the licence of {title} allows.{theirs}")
    if rights == "unknown":
        because = f"{title} allows it ({licence}); nobody has said whose images it learned.{theirs}"
        return CommercialUse(answer="unknown", because=because)
    whose = "your own" if rights == "own" else "licensed for it"
    return CommercialUse(answer="yes", because=f"{title} allows it ({licence}), and the images are {whose}.{theirs}")


def _absence(name: str) -> str:
    """Say that a base is not here."""
    known = known_base(name)
    if known is None:
        return f"The base {name} is gone."
    return f"Its base, {known.title}, is not on this computer; the list of bases on the Models page says how to get it."

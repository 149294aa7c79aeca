"""The catalogue as the API shows it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from fluxtune.images.schemas import Image

DataRights = Literal["unknown", "own", "licensed", "restricted"]
"""Whose images a model learned: nobody said; one's own; others', allowed for any use; others', not for sale."""


class GenerationDefaults(BaseModel):
    """What images are like when nothing else is said: as the studio's settings have it, else as the base wants.

    `width` and `height` are the base's own; `usual_width` and `usual_height` are there where the settings name a size
    that the base can draw.
    """

    steps: int
    guidance: float
    width: int
    height: int
    max_width: int
    max_height: int
    max_prompt_tokens: int
    count: int
    finetune_strength: float
    usual_width: int | None
    usual_height: int | None


class ModelVersion(BaseModel):
    """One released adapter of a finetuned model."""

    id: str
    step: int
    label: str
    byte_count: int
    sha256: str
    file_url: str
    created_at: datetime


class CommercialUse(BaseModel):
    """May images made with a model be sold? What the licences of base and data say as far as known; no legal advice."""

    answer: Literal["yes", "no", "unknown"]
    because: str


class Provenance(BaseModel):
    """Where an imported model came from, as its file said it."""

    file: str
    sha256: str
    layout: str
    layout_title: str
    family: str
    rank: int
    scale: float | None
    fits: list[str]
    author: str
    licence: str
    notes: list[str]


class Training(BaseModel):
    """How a model was finetuned here; kept with it, also when the finetune and its dataset are gone.

    `seconds`: time spent on steps, what the model cost beside electricity. `engine`: versions of the programs.
    """

    dataset_name: str
    snapshot_hash: str
    image_count: int
    seed: int
    recipe: dict[str, Any]
    seconds: float | None
    device: str
    engine: dict[str, str]


class Deployment(BaseModel):
    """Where a model is at BFL. Drawn there with `hosted_model_id` as model and `finetune_id` among the parameters.

    `linked`: its name was entered, and BFL has not been asked or does not tell. `price`: credits for one image of a
    megapixel. `details`: what BFL says of it. `version_id`: which version was brought there.
    """

    finetune_id: str
    hosted_model_id: str
    title: str
    key_name: str | None
    state: Literal["linked", "found", "missing"]
    since: datetime
    checked_at: datetime | None
    told: str
    details: dict[str, str]
    version_id: str | None
    probe_id: str | None
    price: float | None
    created_at: datetime


class Model(BaseModel):
    """Weights one can generate with: a base, or a finetuned model with its versions.

    The version trained furthest comes first. `default_version_id` is used where none is named: the one that was
    chosen for that, else the first; null for a base. A finetuned model without versions is at BFL only: its weights
    are not here, so `is_ready` is false, and it is drawn there.
    """

    id: str
    name: str
    kind: Literal["base", "finetuned"]
    base: str
    mode: str | None
    trigger_word: str
    notes: str
    licence: str
    description: str
    cover: Image | None
    prompts: list[str]
    tags: list[str]
    least_strength: float
    most_strength: float
    data_rights: DataRights
    data_licence: str
    commercial_use: CommercialUse
    provenance: Provenance | None
    training: Training | None
    deployment: Deployment | None
    versions: list[ModelVersion]
    default_version_id: str | None
    defaults: GenerationDefaults
    is_ready: bool
    missing: str | None
    finetune_id: str | None
    dataset_id: str | None
    image_count: int
    created_at: datetime
    deleted_at: datetime | None


class BaseMemory(BaseModel):
    """What a base needs of a GPU's memory at 1024 px, in bytes: comfortably, and at the least with everything saved.

    Of a small base, which can't draw that large: at its own usual size, at most and at the least.
    """

    train_bytes: int
    train_least_bytes: int
    generate_bytes: int
    generate_least_bytes: int


class BaseEntry(BaseModel):
    """One base: one that is here, or a published model that could be.

    `command` downloads it; `how_to_get` says that as a sentence, with what a gated model asks first. `missing` says
    what is lacking. `is_free_commercially` and `is_gated` are null where nobody has said.
    """

    name: str
    title: str
    description: str
    licence: str
    is_free_commercially: bool | None
    is_gated: bool | None
    size_bytes: int
    memory: BaseMemory
    is_ready: bool
    missing: str | None
    command: str | None
    how_to_get: str | None
    url: str | None
    source: Literal["bundled", "folder", "file", "cache", "absent"]
    training: Literal["yes", "discouraged", "no"]
    training_note: str | None
    train_on: str | None
    is_default: bool


class ModelUpdate(BaseModel):
    """What a user may change; absent means unchanged. A null `default_version_id` means: the one trained furthest."""

    name: str | None = Field(None, min_length=1, max_length=120)
    notes: str | None = Field(None, max_length=10_000)
    trigger_word: str | None = Field(None, max_length=60)
    default_version_id: str | None = Field(None, max_length=64)
    tags: list[Annotated[str, Field(max_length=40)]] | None = Field(None, max_length=20)
    prompts: list[Annotated[str, Field(max_length=2_000)]] | None = Field(None, max_length=20)
    least_strength: float | None = Field(None, ge=0, le=2)
    most_strength: float | None = Field(None, ge=0, le=2)
    data_rights: DataRights | None = None
    data_licence: str | None = Field(None, max_length=500)


class ModelPage(BaseModel):
    """A window of the catalogue's finetuned models, and what one can filter by (counted over all that are there)."""

    items: list[Model]
    total: int
    """How many the filter finds."""
    whole: int
    """How many there are."""
    bases: dict[str, int]
    modes: dict[str, int]
    tags: dict[str, int]


class Card(BaseModel):
    """A model card: what people write beside a model's file."""

    name: str
    markdown: str


class LintFinding(BaseModel):
    """One thing BFL's service needs of a file."""

    name: str
    is_ok: bool
    detail: str
    action: str | None


class DeploymentPlan(BaseModel):
    """How to bring a model to BFL's hosted service: what was checked, the file, what to do by hand there."""

    finetune_id: str
    base: str
    findings: list[LintFinding]
    is_ready: bool
    file_url: str | None
    steps: list[str]
    endpoints: list["DeploymentEndpoint"]


class DeploymentEndpoint(BaseModel):
    """An endpoint that draws with a finetune of this base; the first is the base itself."""

    id: str
    title: str
    price: float | None

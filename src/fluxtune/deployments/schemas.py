"""Deployments and parity checks as the API shows them. Amounts are in credits; one credit is a US cent."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from fluxtune.backends.bfl.parameters import FINETUNE_ID
from fluxtune.core.errors import Problem
from fluxtune.core.parameters import parameter
from fluxtune.images.schemas import GalleryImage
from fluxtune.models.schemas import Model

FinetuneId = Annotated[str, Field(min_length=1, max_length=200, pattern=FINETUNE_ID, title="Name at BFL")]
KeyName = Annotated[
    str | None, Field(max_length=60, title="Key", description="Which key asks and pays; empty: the first.")
]


class ImportedModel(Model):
    """A model that was just imported. `preview_job_id`: the job that draws an image with it; null where none does."""

    preview_job_id: str | None


class DeploymentLink(BaseModel):
    """What a model is called at BFL. An empty `endpoint`: that of the model's base; `version_id`: the usual one."""

    finetune_id: FinetuneId
    endpoint: str = Field("", max_length=80, title="Endpoint", description="As in `GET /api/hosted/models`.")
    version_id: str | None = Field(None, max_length=64, title="Version")
    key_name: KeyName = None


class HostedImport(BaseModel):
    """A finetune that lives at BFL only, to be added to the catalogue by its name. BFL is asked about it, for free."""

    finetune_id: FinetuneId
    endpoint: str = Field(max_length=80, title="Endpoint", description="As in `GET /api/hosted/models`.")
    name: str = Field("", max_length=110, title="Name", description="Empty: what BFL says, else its name there.")
    trigger_word: str = Field("", max_length=60, title="Trigger word", description="Empty: what BFL says.")
    key_name: KeyName = None
    anyway: bool = Field(False, title="Add it anyway", description="Also when BFL does not list it.")


class HostedFinetunes(BaseModel):
    """What an account has at BFL; `names` is null where BFL does not tell. `known`: models here, by those names."""

    names: list[str] | None
    known: dict[str, str]
    told: str


class DeployedName(BaseModel):
    """A model of the catalogue by its name at BFL, and the hosted model that draws with it."""

    finetune_id: str
    hosted_model_id: str
    model_id: str
    name: str
    trigger_word: str


class ParityCreate(BaseModel):
    """Draw the same here and at BFL. No prompts: the model's own, at most two."""

    prompts: list[Annotated[str, Field(min_length=1, max_length=2_000)]] = Field([], max_length=4, title="Prompts")
    count: int = parameter(1, "Images of each", "With seeds that count up.", group="Images", ge=1, le=4)
    seed: int = parameter(1, "Seed", "The same in both places.", group="Images", ge=0, le=2**32 - 5)
    strength: float = parameter(1.0, "Strength", "How strongly the model acts, in both.", group="Model", ge=0, le=2)
    width: int | None = parameter(
        None, "Width", "Empty: what the base likes.", group="Images", unit="px", ge=64, le=2048, multiple_of=16
    )
    height: int | None = parameter(
        None, "Height", "Empty: what the base likes.", group="Images", unit="px", ge=64, le=2048, multiple_of=16
    )


class ParityEstimate(BaseModel):
    """What a check costs: only the images at BFL do."""

    images: int
    credits: float
    source: str
    warnings: list[str]


class ParityPair(BaseModel):
    """The same prompt and seed in both places; null: not there yet, or it did not come.

    `edges`: in how many of a hundred places one picture has an edge and the other has none. `colour`: how far their
    colours lie apart on average, of 255.
    """

    prompt: str
    seed: int
    here: GalleryImage | None
    there: GalleryImage | None
    edges: float | None
    colour: float | None
    says: str


class Parity(BaseModel):
    """One check. `differences`: what may make the images differ though the model is the same."""

    id: str
    model_id: str
    finetune_id: str
    hosted_title: str
    strength: float
    width: int
    height: int
    state: Literal["running", "succeeded", "failed", "cancelled"]
    pairs: list[ParityPair]
    differences: list[str]
    estimate: float
    cost: float
    generation_ids: list[str]
    error: Problem | None
    created_at: datetime

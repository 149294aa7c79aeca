"""Recipe documents and templates as the API shows them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fluxtune.engine.config import Mode
from fluxtune.engine.recipes import Quality

MAX_TEXT = 100_000
"""Characters of a recipe document; a complete one has about two thousand."""


class RecipeDocument(BaseModel):
    """A recipe as one document, the same that is written as YAML: what to teach what, and every setting.

    `recipe` holds settings of `Recipe`; those it leaves out are chosen from mode, quality, base and dataset.
    """

    model_config = ConfigDict(extra="forbid")

    fluxtune: Literal[1] = 1
    name: str | None = Field(None, min_length=1, max_length=120)
    dataset: str | None = Field(None, max_length=120, description="Name or id of a dataset of this studio.")
    trigger_word: str | None = Field(None, max_length=60)
    base: str | None = Field(None, max_length=64)
    mode: Mode | None = None
    quality: Quality | None = None
    recipe: dict[str, Any] = Field(default_factory=dict)


class RecipeText(BaseModel):
    """A recipe document as YAML (or JSON, which is YAML)."""

    text: str = Field(max_length=MAX_TEXT)


class Template(BaseModel):
    """A recipe kept under a name; what it leaves empty is chosen as always."""

    id: str
    name: str
    notes: str
    base: str | None
    mode: Mode | None
    quality: Quality | None
    recipe: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class TemplateCreate(BaseModel):
    """What to keep, and its name."""

    name: str = Field(min_length=1, max_length=120)
    notes: str = Field("", max_length=2_000)
    base: str | None = Field(None, max_length=64)
    mode: Mode | None = None
    quality: Quality | None = None
    recipe: dict[str, Any] = Field(default_factory=dict)


class TemplateUpdate(BaseModel):
    """What to change; what is left out stays. Base, mode and quality can be emptied."""

    name: str | None = Field(None, min_length=1, max_length=120)
    notes: str | None = Field(None, max_length=2_000)
    base: str | None = Field(None, max_length=64)
    mode: Mode | None = None
    quality: Quality | None = None
    recipe: dict[str, Any] | None = None


class TemplateImport(RecipeText):
    """A recipe document to keep as a template; `name` goes before the document's own."""

    name: str | None = Field(None, min_length=1, max_length=120)

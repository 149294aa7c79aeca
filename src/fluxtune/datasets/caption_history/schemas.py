"""Changes to captions as the API shows them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from fluxtune.datasets.captions_edits import CaptionEdit
from fluxtune.datasets.schemas import CaptionAuthor

StepState = Literal["writing", "done", "undone", "dropped", "empty"]


class CaptionStepCreate(BaseModel):
    """An edit, and which images it is for; absent: all of the dataset."""

    edit: CaptionEdit
    dataset_image_ids: list[str] | None = Field(None, max_length=100_000)


class CaptionPair(BaseModel):
    """One caption before and after; `before` of a step is what the image had then."""

    dataset_image_id: str
    name: str
    before: str
    after: str


class CaptionPreview(BaseModel):
    """What an edit would do. `changes` holds the first of them.

    `typed_count` of the changed captions were typed by somebody; `refused` names images whose caption would become too
    long and stays as it is.
    """

    title: str
    image_count: int
    changed_count: int
    typed_count: int
    changes: list[CaptionPair]
    refused: list[str]


class CaptionNote(BaseModel):
    """An image for which a step did not do what was asked, and why."""

    dataset_image_id: str
    name: str
    reason: str


class CaptionStep(BaseModel):
    """A change to many captions at once: one entry of the history.

    `state`: writing (a captioner is at it), done, undone, dropped (undone, and other steps came after), or empty (a
    captioner changed nothing).
    """

    id: str
    job_id: str | None
    kind: str
    title: str
    state: StepState
    changed_count: int
    notes: list[CaptionNote]
    created_at: datetime


class CaptionSteps(BaseModel):
    """The history of a dataset's captions, newest first, and what undo and redo would do next."""

    steps: list[CaptionStep]
    undo_id: str | None
    redo_id: str | None


class StepChoice(BaseModel):
    """Which step is meant; absent: the next one. With another one next, nothing happens."""

    step_id: str | None = None


class StepRestored(BaseModel):
    """What undo or redo did; `kept_count` captions were changed since and stay as they are."""

    step: CaptionStep
    changed_count: int
    kept_count: int


class CaptionVersion(BaseModel):
    """What a caption was at some time, who wrote it, and with which step."""

    caption: str
    caption_by: CaptionAuthor
    caption_source: str | None
    at: datetime | None
    step_title: str | None
    is_undone: bool


class Frequency(BaseModel):
    """How many captions have a tag or word, upper and lower case alike, and one of them as it is written."""

    text: str
    count: int


class CaptionLengths(BaseModel):
    """How long captions are in tokens; with no base asked for, or without its tokenizer, as estimated."""

    median: int
    longest: int
    longest_id: str | None
    is_counted: bool


class CaptionFrequencies(BaseModel):
    """What the captions of a dataset say, most frequent first. Tags are the parts between commas."""

    captioned_count: int
    tokens: CaptionLengths
    tags: list[Frequency]
    words: list[Frequency]

"""Datasets as the API shows them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from fluxtune.datasets.check_limits import CheckLimits
from fluxtune.engine.config import Mode
from fluxtune.images.schemas import Image

CaptionAuthor = Literal["none", "person", "file", "sample", "auto"]
"""Who wrote a caption: nobody, somebody here, a file that came with the image, a sample concept, a captioner."""
Severity = Literal["error", "warning", "hint"]
FindingKind = Literal[
    "empty", "too_few", "too_many", "too_small", "duplicate", "blurred", "compressed", "odd_shape", "transparent",
    "low_variety", "caption_missing", "caption_identical", "caption_too_long", "trigger_missing", "trigger_doubled",
]  # fmt: skip
FixKind = Literal[
    "remove_duplicates", "remove_small", "remove_blurred", "remove_compressed", "remove_transparent", "keep_different",
    "crop_odd", "caption_with_trigger", "insert_trigger", "single_trigger", "shorten_captions",
]  # fmt: skip


class Finding(BaseModel):
    """One thing the dataset check found; `fix` names a one-click fix the server offers, if any.

    Of look-alikes, `groups` tells which belong together, the one to keep first.
    """

    kind: FindingKind
    severity: Severity
    sentence: str
    action: str
    fix: FixKind | None
    dataset_image_ids: list[str]
    groups: list[list[str]]


class DatasetCheck(BaseModel):
    """The check of a dataset as it is now."""

    findings: list[Finding]
    image_count: int
    captioned_count: int
    is_trainable: bool


Turn = Literal[0, 90, 180, 270]


class Crop(BaseModel):
    """What is kept of a picture, in pixels from its upper left corner."""

    left: int = Field(ge=0, le=65_535)
    top: int = Field(ge=0, le=65_535)
    width: int = Field(ge=1, le=65_535)
    height: int = Field(ge=1, le=65_535)


class Edits(BaseModel):
    """How a picture is changed before anything else sees it: turned clockwise, then mirrored, then cut."""

    turn: Turn = 0
    mirror: bool = False
    crop: Crop | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether the picture stays as it is."""
        return not (self.turn or self.mirror or self.crop)


class GridImage(BaseModel):
    """An image in one dataset as the grid shows it. `image` is the picture that is trained on.

    Of an edited image, `edits` says how it was made from `original`.
    """

    id: str
    position: int
    name: str
    caption: str
    caption_by: CaptionAuthor
    caption_source: str | None
    tags: list[str]
    notes: str
    source: str
    licence: str
    repeats: int
    edits: Edits | None
    original: Image | None
    image: Image


class DatasetImage(GridImage):
    """An image in one dataset with what the check says of it."""

    problems: list[FindingKind]


class Dataset(BaseModel):
    """A named, ordered set of images with captions."""

    id: str
    name: str
    mode: Mode
    trigger_word: str
    notes: str
    source: str
    licence: str
    check_limits: CheckLimits
    sample: str | None
    image_count: int
    captioned_count: int
    covers: list[Image]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class DatasetCreate(BaseModel):
    """A new dataset; with `sample` it is filled with that sample concept's images and captions."""

    name: str | None = Field(None, min_length=1, max_length=120)
    mode: Mode = "general"
    trigger_word: str = Field("", max_length=60)
    sample: str | None = None


class DatasetUpdate(BaseModel):
    """What a user may change on a dataset; absent means unchanged."""

    name: str | None = Field(None, min_length=1, max_length=120)
    mode: Mode | None = None
    trigger_word: str | None = Field(None, max_length=60)
    notes: str | None = Field(None, max_length=10_000)
    source: str | None = Field(None, max_length=2_000)
    licence: str | None = Field(None, max_length=120)
    check_limits: CheckLimits | None = Field(None, description="Where the check draws its lines; replaces all of them.")


class DatasetImageUpdate(BaseModel):
    """A caption as the user typed it."""

    caption: str = Field(max_length=4_000)
    expected: str | None = Field(
        None,
        max_length=4_000,
        description="The caption this one takes the place of; with another there, nothing is kept.",
    )


Tag = Annotated[str, Field(min_length=1, max_length=60)]
ExportLayout = Literal["bfl", "captions", "kohya", "imagefolder"]
Shape = Literal["portrait", "square", "landscape"]
Size = Literal["small", "medium", "large"]


class GridFilter(BaseModel):
    """Which images of a dataset are shown; all conditions must hold.

    `query`: every word is in the caption or the name. `size` goes by the shorter side: small is under 512 pixels, large
    1024 and more. `shape`: within 5 % of equal sides counts as square. `removed` shows what was taken out instead.
    """

    query: str = Field("", max_length=500)
    tags: list[Tag] = Field([], max_length=20)
    problem: FindingKind | None = None
    size: Size | None = None
    shape: Shape | None = None
    captioned: bool | None = None
    caption_by: CaptionAuthor | None = None
    edited: bool | None = None
    removed: bool = False


class GridCounts(BaseModel):
    """How many images of the whole dataset there are of each kind a filter knows."""

    total: int
    captioned: int
    edited: int
    removed: int
    sizes: dict[Size, int]
    shapes: dict[Shape, int]
    tags: dict[str, int]


class Grid(BaseModel):
    """A view of a dataset: the ids of all images that match, in order, and the records of the first of them.

    `revision` is what `changes` is asked with.
    """

    ids: list[str]
    images: list[GridImage]
    counts: GridCounts
    revision: datetime


class GridRecordsRequest(BaseModel):
    """Ids of the visible window."""

    ids: list[str] = Field(max_length=200)


class GridChanges(BaseModel):
    """What became of a dataset's images since a revision. `is_too_much`: ask for the whole view again."""

    images: list[GridImage]
    removed_ids: list[str]
    is_too_much: bool
    revision: datetime


class ImagesChange(BaseModel):
    """One change to many images of a dataset; what is absent stays. `removed` takes out, or puts back."""

    ids: list[str] = Field(max_length=20_000)
    add_tags: list[Tag] = Field([], max_length=20)
    remove_tags: list[Tag] = Field([], max_length=20)
    notes: str | None = Field(None, max_length=10_000)
    source: str | None = Field(None, max_length=2_000)
    licence: str | None = Field(None, max_length=120)
    repeats: int | None = Field(None, ge=1, le=1_000)
    removed: bool | None = None


class ImagesChanged(BaseModel):
    """How many images changed, and the changes that take it back, to be made in this order."""

    changed_count: int
    undo: list[ImagesChange]


class RefusedFile(BaseModel):
    """A file that could not be taken: its name, why, and what to do."""

    name: str
    reason: str
    action: str


class UploadReport(BaseModel):
    """What became of an upload. `notes` are sentences about what was done otherwise than one might expect.

    `layout`: whose way of laying out training images was recognised.
    """

    added: list[DatasetImage]
    captioned_count: int
    duplicates: list[str]
    refused: list[RefusedFile]
    notes: list[str]
    image_count: int
    layout: Literal["images", "captions", "bfl", "ai_toolkit", "kohya", "imagefolder"]


class FixRequest(BaseModel):
    """Apply the one-click fix of a finding."""

    fix: FixKind
    base: str | None = Field(None, description="The base the check was made for.")


class FixResult(DatasetCheck):
    """The check after a fix, and what takes the fix back: images to put back, edits to restore, a step of captions."""

    changed_count: int
    removed_ids: list[str]
    edits_before: list["ImageEdits"]
    caption_step_id: str | None


class SampleConcept(BaseModel):
    """A bundled sample concept."""

    name: str
    title: str
    mode: Mode
    trigger_word: str
    description: str
    prompts: list[str]
    image_count: int
    cover_url: str


class ImageEdits(BaseModel):
    """How one image of a dataset is to be edited; null restores the original."""

    id: str
    edits: Edits | None


class EditsRequest(BaseModel):
    """Edits of some images. Pictures are made at once, so ask for a few at a time."""

    changes: list[ImageEdits] = Field(max_length=24)


class EditsDone(BaseModel):
    """The images as they are now, and the edits that bring back what was before."""

    images: list[GridImage]
    undo: list[ImageEdits]


class CropsRequest(BaseModel):
    """Ask where images would best be cut: to a shape (width over height), or, without one, to leave plain borders out.

    `turn` and `mirror` are as in `Edits`; absent, those that each image has.
    """

    ids: list[str] = Field(max_length=100)
    aspect: float | None = Field(None, ge=0.1, le=10)
    turn: Turn | None = None
    mirror: bool | None = None


class CropSuggestion(BaseModel):
    """The edits of an image with the suggested cut; null `edits` where nothing needs to be cut or done."""

    id: str
    edits: Edits | None


class TrainingSettings(BaseModel):
    """The settings of a recipe that decide what the trainer makes of the images."""

    resolution: int = Field(512, ge=64, le=2048, multiple_of=16)
    more_resolutions: list[Annotated[int, Field(ge=64, le=2048, multiple_of=16)]] = Field([], max_length=4)
    batch_size: int = Field(1, ge=1, le=64)
    gradient_accumulation: int = Field(1, ge=1, le=64)
    validation_images: int = Field(0, ge=0, le=10_000)
    steps: int = Field(300, ge=1, le=20_000)


class Sides(BaseModel):
    """Width and height in pixels."""

    width: int
    height: int


class KeptPart(BaseModel):
    """The part of a picture that stays, in its pixels; the rest is cut off."""

    left: float
    top: float
    width: float
    height: float


class SeenAt(BaseModel):
    """How images of one size are trained at one resolution: scaled by `scale` to cover `bucket`, and cut to it."""

    resolution: int
    bucket: Sides
    kept: KeptPart
    scale: float


class SizeSeen(BaseModel):
    """All images of one size, and how each of them is trained."""

    width: int
    height: int
    count: int
    seen: list[SeenAt]


class Bucket(BaseModel):
    """One shape that batches are made of: how many images come at it, and how often they are seen in each pass."""

    width: int
    height: int
    resolution: int
    image_count: int
    seen_count: int


class LeftOut(BaseModel):
    """Images that are not used somewhere, and why."""

    count: int
    reason: str


class TrainingView(BaseModel):
    """What the trainer will make of a dataset as it is now, by the trainer's own arithmetic."""

    sizes: list[SizeSeen]
    buckets: list[Bucket]
    left_out: list[LeftOut]
    image_count: int
    seen_per_epoch: int
    images_per_step: int
    steps_per_epoch: float
    epochs: float

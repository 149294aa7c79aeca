"""What the health check of a finished run says: `health.json` in its folder. No torch here.

health.json      HealthReport, written again after every part, so that a check that was cut short goes on there
health/*.png     what was drawn for it: untouched base, checkpoints, strengths
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

REPORT_FILE = "health.json"
REPORT_VERSION = 3
"""Raised when measures change their meaning: reports of another version are measured again."""

MeasureName = Literal["gain", "bleed", "copying", "adherence"]
Verdict = Literal["undertrained", "good", "overtrained"]
AdviceKind = Literal[
    "more-steps", "earlier-checkpoint", "lower-strength", "lower-learning-rate", "more-images", "preservation", "none"
]

HealthEventType = Literal[
    "health.progressed",  # {done, total, what}
    "health.succeeded",  # {seconds}
    "health.cancelled",  # {}  SIGTERM; what was measured stays
    "health.failed",  # {error: Problem record}
]


class HealthEvent(BaseModel):
    """One line that `python -m fluxtune.engine health RUN_DIR` prints on stdout."""

    type: HealthEventType
    data: dict[str, Any]


class Method(BaseModel):
    """How a measure is taken, in words; `better` says which way is good."""

    name: MeasureName
    title: str
    unit: str
    better: Literal["higher", "lower"]
    text: str


class Measure(BaseModel):
    """One number with its 90 % interval (bootstrap over prompts and seeds) and how many images it rests on."""

    value: float
    low: float
    high: float
    image_count: int


class NearestImage(BaseModel):
    """A sample and the training image it is nearest to.

    `distance` is relative: 1 is as far as training images usually are from their own nearest neighbour.
    """

    file: str
    prompt: str
    seed: int
    training_index: int
    training_file: str
    training_sha256: str
    distance: float
    is_copy: bool


class ValidationFigure(BaseModel):
    """The validation loss of the run at a checkpoint, and the base's with the same images, noise and noise levels."""

    step: int
    loss: float
    base_loss: float | None
    on: str
    image_count: int


class Reading(BaseModel):
    """What was measured of one checkpoint at one strength."""

    step: int
    strength: float
    measures: dict[MeasureName, Measure]
    score: float
    """What the recommendation compares: gain and adherence, less copying and bleed; 0 to about 1."""


class CheckpointHealth(BaseModel):
    """One kept checkpoint at full strength."""

    step: int
    adapter_sha256: str
    reading: Reading
    nearest: list[NearestImage]
    validation: ValidationFigure | None
    verdict: Verdict
    reasons: list[str]


class SheetCell(BaseModel):
    """One image of the sheet: prompt `row`; step 0 is the untouched base."""

    row: int
    step: int
    strength: float
    seed: int
    file: str


class StrengthSheet(BaseModel):
    """Prompts × checkpoints × strengths, all with the same seed."""

    prompts: list[str]
    steps: list[int]
    strengths: list[float]
    cells: list[SheetCell]


class Recommendation(BaseModel):
    """What to use."""

    step: int
    strength: float
    text: str
    reasons: list[str]


class Advice(BaseModel):
    """What to do about what was found."""

    kind: AdviceKind
    text: str


class Features(BaseModel):
    """What images are compared by."""

    name: str
    source: Literal["installed", "base"]
    text: str


class HealthReport(BaseModel):
    """`health.json`."""

    version: int = REPORT_VERSION
    is_complete: bool = False
    base: str
    trigger_word: str
    features: Features
    methods: list[Method]
    prompts: list[str]
    neutral_prompts: list[str]
    seeds: list[int]
    checkpoints: list[CheckpointHealth] = []
    strengths: list[Reading] = []
    sheet: StrengthSheet | None = None
    verdict: Verdict | None = None
    summary: str = ""
    recommendation: Recommendation | None = None
    advice: list[Advice] = []
    seconds: float = 0.0
    measured_at: datetime | None = None

"""What a server of one's own says of itself and of its finetunes. Lenient: it may be older, newer, or no fluxtune."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fluxtune.core.errors import Problem

Extension = Literal[
    "adapter", "cancel", "draw", "pause", "preview", "progress", "recipe", "sample", "save", "stop"
]  # fmt: skip
TRAINING: tuple[Extension, ...] = ("adapter", "cancel", "progress", "recipe", "stop")
"""What following a finetune as if it ran here takes."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Discovered(_Answer):
    """What a server is. Without a name it only speaks BFL's API: `endpoints` are then what its description lists."""

    name: str = Field("", max_length=60)
    version: str = Field("", max_length=60)
    extensions: list[str] = Field([], max_length=200)
    bases: list[str] = Field([], max_length=500)
    described_bases: list[dict[str, Any]] = Field([], max_length=500)
    usual_base: str = Field("", max_length=120)
    max_body_bytes: int | None = None
    endpoints: list[str] = Field([], max_length=500)

    @property
    def is_fluxtune(self) -> bool:
        """Whether it is a fluxtune of whatever version."""
        return self.name == "fluxtune"

    def can(self, *extensions: Extension) -> bool:
        """Return whether it has all of these extensions."""
        return set(extensions) <= set(self.extensions)


class LossReading(_Answer):
    """One measured step."""

    step: int
    loss: float
    learning_rate: float = 0.0
    grad_norm: float = 0.0
    seconds_per_step: float = 0.0
    memory_bytes: int | None = None
    device_load: float | None = None


class SampleReading(_Answer):
    """One sample image and a link to it."""

    step: int
    row: int = Field(ge=0, lt=1_000)
    prompt: str
    sample: str


class AdapterFacts(_Answer):
    """The adapter a finetune made."""

    step: int
    byte_count: int
    sha256: str


class Progress(_Answer):
    """How far a finetune is."""

    state: str
    phase: str = ""
    step: int = 0
    steps: int = 0
    eta_s: float | None = None
    waiting_for: str | None = None
    base: str = ""
    loss: list[LossReading] = []
    samples: list[SampleReading] = []
    error: Problem | None = None
    adapter: AdapterFacts | None = None


class KnownFinetune(BaseModel):
    """A finetune of a server as far as it tells."""

    finetune_id: str
    name: str
    comment: str = ""
    trigger_word: str = ""
    base: str = ""
    key: str = ""
    """The key it was sent with, where the server keeps that."""

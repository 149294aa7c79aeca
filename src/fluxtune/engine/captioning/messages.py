"""What is said between a worker and a captioner's process (`python -m fluxtune.engine caption`). No torch here.

In, one JSON document a line: first a CaptionerSetup, then a CaptionRequest for each image, answered before the next.
Out: CaptionerEvents.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from fluxtune.engine.config import Mode

CaptionerEventType = Literal[
    "captioner.ready",  # {}
    "caption.written",  # {id, text}
    "caption.refused",  # {id, reason}  the captioner has nothing to say of this image
    "captioner.failed",  # {error: Problem record}  nothing more will come
]


class CaptionerSetup(BaseModel):
    """Which captioner to load and what to ask it. `model`: a folder, or a name of the Hugging Face cache or hub."""

    kind: Literal["pocket", "model"]
    model: str = ""
    prompt: str = ""
    mode: Mode = "general"
    trigger_word: str = ""
    max_tokens: int = Field(160, ge=8, le=1024)


class CaptionRequest(BaseModel):
    """One image to caption."""

    id: str
    file: Path


class CaptionerEvent(BaseModel):
    """One line that a captioner's process prints."""

    type: CaptionerEventType
    data: dict[str, Any] = {}

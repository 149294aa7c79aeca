"""The process around a captioner: one setup, then one answer for each image, until its input ends."""

import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from PIL import Image, ImageOps

from fluxtune.core.errors import EngineCrashed
from fluxtune.engine.captioning.messages import CaptionerEvent, CaptionerEventType, CaptionerSetup, CaptionRequest
from fluxtune.engine.runtime import as_fluxtune_error, quieten_libraries

FAILED = 1
CANT_TELL = "It shows nothing of pocket's world, which is all this captioner knows."

Describe = Callable[[Image.Image], tuple[str | None, str]]


def run_captioner(lines: Iterable[str], write: Callable[[str], object], require: Callable[[], None]) -> int:
    """Answer every line; return the exit code. What goes wrong with one image is said of that image alone."""

    def say(type_: CaptionerEventType, **data: Any) -> None:
        write(CaptionerEvent(type=type_, data=data).model_dump_json() + "\n")

    try:
        source = iter(lines)
        describe = load(CaptionerSetup.model_validate_json(next(source)), require)
        say("captioner.ready")
        for line in source:
            request = CaptionRequest.model_validate_json(line)
            with Image.open(request.file) as image:
                text, reason = describe(ImageOps.exif_transpose(image))
            if text:
                say("caption.written", id=request.id, text=text)
            else:
                say("caption.refused", id=request.id, reason=reason)
    except Exception as error:
        problem = as_fluxtune_error(error, "captioning")
        if isinstance(problem, EngineCrashed):
            traceback.print_exception(error, file=sys.stderr)
        say("captioner.failed", error=problem.as_record())
        return FAILED
    return 0


def load(setup: CaptionerSetup, require: Callable[[], None]) -> Describe:
    """Load a captioner; return a function from an image to its caption, or to why there is none."""
    if setup.kind == "pocket":
        from fluxtune.engine.captioning.pocket import PocketCaptioner, describe

        pocket = PocketCaptioner()
        return lambda image: (describe(pocket.read(image), setup.mode, setup.trigger_word), CANT_TELL)
    require()
    from fluxtune.engine.captioning.model import VisionModel

    quieten_libraries()
    model = VisionModel(setup)
    return lambda image: (model.caption(image), "The model answered with nothing.")

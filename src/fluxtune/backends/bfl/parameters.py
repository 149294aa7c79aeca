"""The parameters of BFL's image endpoints, each declared once with range, default and help.

Field names are BFL's own. Fields that hold an image take base64 or, where BFL accepts it, an http(s) address. The
message fields (`webhook_url`, `webhook_secret`) and `user` are none of these: they are no choice of whoever draws.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from fluxtune.core.parameters import parameter

MAX_PIXELS_FLUX2 = 2048 * 2048
"""BFL says "4 MP" and gives 2048 × 2048 as an example, so it means this."""
IMAGE = "image"
MASK = "mask"
"""What `json_schema_extra["holds"]` says of a field that takes an image, or the mask of the field `image`."""
LEAST_SIDE = "least_side_px"
MOST_PIXELS = "most_pixels"
"""Names in `json_schema_extra` of how small an image may be, and from where on it is made smaller."""

OutputFormat = Literal["jpeg", "png", "webp"]
Flux3Ratio = Literal[
    "auto", "21:9", "2:1", "16:9", "3:2", "7:5", "4:3", "5:4", "1:1",
    "4:5", "3:4", "5:7", "2:3", "9:16", "1:2", "9:21",
]  # fmt: skip
Flux3Resolution = Literal["768sq", "1k", "1.5k", "2k", "4k"]
FINETUNE_ID = r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)?$"
"""A name BFL gives: small letters, digits, - and _; a shared one is `organisation/name`; older ones are UUIDs."""


def _check_ratio(value: str) -> str:
    """Accept what BFL accepts: two whole numbers, between 21:9 and 9:21."""
    width, colon, height = value.partition(":")
    if not (colon and width.isdecimal() and height.isdecimal() and len(value) <= 9 and int(width) and int(height)):
        raise ValueError("Must be two numbers such as 16:9")
    if not 9 / 21 <= int(width) / int(height) <= 21 / 9:
        raise ValueError("Must lie between 21:9 and 9:21")
    return value


Ratio = Annotated[str, AfterValidator(_check_ratio)]


def _image(default: Any, title: str, text: str, holds: str = IMAGE, **limits: int) -> Any:
    field = parameter(default, title, text, level="basic", group="Images")
    field.json_schema_extra.update(holds=holds, **limits)
    return field


def _mask(default: Any, text: str) -> Any:
    return _image(default, "Mask", text, MASK)


def _prompt(default: Any = ...) -> Any:
    return parameter(default, "Prompt", "What the image should show.", level="basic", group="Prompt")


def _safety(most: int) -> Any:
    text = f"How much is let through: 0 is strict, {most} lets most through."
    return parameter(2, "Safety tolerance", text, level="expert", group="Safety", ge=0, le=most)


def _format(default: OutputFormat) -> Any:
    return parameter(default, "File format", "How the image is sent.", level="expert", group="Images")


def _upsampling(default: bool) -> Any:
    text = "BFL writes the prompt anew, in more detail, before it draws."
    return parameter(default, "Rewrite the prompt", text, level="more", group="Prompt")


def _seed() -> Any:
    return parameter(None, "Seed", "The same seed gives the same image; empty takes a new one.", group="Images")


def _reference(number: int) -> Any:
    return _image(None, f"Image {number}", f"Spoken of as “image {number}” in the prompt.")


class Parameters(BaseModel):
    """What one endpoint takes. Unknown names are refused here, because BFL mostly ignores them in silence."""

    model_config = ConfigDict(extra="forbid")


class _Flux2Size(Parameters):
    width: int | None = parameter(
        None, "Width", "Multiple of 16; empty is automatic.", level="basic", group="Images", unit="px", ge=64,
        multiple_of=16,
    )  # fmt: skip
    height: int | None = parameter(
        None, "Height", "Multiple of 16; empty is automatic.", level="basic", group="Images", unit="px", ge=64,
        multiple_of=16,
    )  # fmt: skip

    @model_validator(mode="after")
    def _check_pixels(self) -> "_Flux2Size":
        if self.width and self.height and self.width * self.height > MAX_PIXELS_FLUX2:
            raise ValueError("Width times height may be at most 4 million pixels (2048 × 2048)")
        return self


class Flux2KleinParameters(_Flux2Size):
    """FLUX.2 [klein]: up to four references, no rewriting of the prompt."""

    prompt: str = _prompt()
    input_image: str | None = _reference(1)
    input_image_2: str | None = _reference(2)
    input_image_3: str | None = _reference(3)
    input_image_4: str | None = _reference(4)
    seed: int | None = _seed()
    safety_tolerance: int = _safety(5)
    output_format: OutputFormat | None = _format("jpeg")


class _Flux2References(Flux2KleinParameters):
    input_image_5: str | None = _reference(5)
    input_image_6: str | None = _reference(6)
    input_image_7: str | None = _reference(7)
    input_image_8: str | None = _reference(8)


class Flux2Parameters(_Flux2References):
    """FLUX.2 [pro] and [max]."""

    disable_pup: bool = parameter(
        False, "Keep the prompt as it is", "BFL does not rewrite the prompt.", level="more", group="Prompt"
    )


class Flux2FlexParameters(_Flux2References):
    """FLUX.2 [flex]: steps and guidance are open."""

    prompt_upsampling: bool | None = _upsampling(True)
    guidance: float | None = parameter(
        5.0, "Guidance", "How closely the prompt is followed.", group="Quality", ge=1.5, le=10
    )
    steps: int | None = parameter(
        50, "Steps", "How often the image is refined.", group="Quality", unit="steps", ge=1, le=50
    )


def _finetune_id() -> Any:
    text = "The name the LoRA was given at BFL; a shared one is owner/name."
    return parameter(
        ..., "Finetune", text, level="basic", group="Model", min_length=1, max_length=200,
        pattern=FINETUNE_ID,
    )  # fmt: skip


def _strength(default: float) -> Any:
    text = "How strongly the finetune acts: 0 is the untouched base."
    return parameter(default, "Strength", text, level="basic", group="Model", ge=0, le=2)


class Flux2KleinFinetunedParameters(Flux2KleinParameters):
    """FLUX.2 [klein] with a LoRA of one's own. BFL names no range of the strength; 0 to 2 is what its clients use."""

    finetune_id: str = _finetune_id()
    finetune_strength: float = _strength(1.0)


class Flux3ImageParameters(Parameters):
    """FLUX 3 Image: a ratio and a tier instead of pixels; no seed."""

    prompt: str = _prompt()
    images: list[str] | None = _image(
        None, "Images", "Up to ten, each of at least 256 × 256 pixels.", least_side_px=256, most_pixels=16_000_000
    )
    aspect_ratio: Flux3Ratio = parameter("auto", "Ratio", "Width to height.", level="basic", group="Images")
    resolution: Flux3Resolution = parameter("1k", "Size", "Tiers of equal area.", level="basic", group="Images")
    safety_tolerance: int = _safety(4)
    grounding: bool = parameter(
        True, "Look things up", "BFL searches text and images on the web first.", level="more", group="Prompt"
    )
    version: Literal["latest"] = parameter("latest", "Version", "There is one.", level="expert", group="Model")

    @model_validator(mode="after")
    def _check_images(self) -> "Flux3ImageParameters":
        if self.images is not None and not 1 <= len(self.images) <= 10:
            raise ValueError("Give one to ten images")
        return self


class OutpaintingParameters(Parameters):
    """A larger canvas around an image."""

    input_image: str = _image(..., "Image", "The image in the middle.")
    width: int = parameter(..., "Width", "Of the new canvas.", level="basic", group="Images", unit="px", ge=64)
    height: int = parameter(..., "Height", "Of the new canvas.", level="basic", group="Images", unit="px", ge=64)
    prompt: str | None = parameter(None, "Prompt", "What the new parts show.", level="basic", group="Prompt")
    reference_offset_x: int | None = parameter(
        None, "From the left", "Where the image sits; empty is centred.", group="Images", unit="px"
    )
    reference_offset_y: int | None = parameter(
        None, "From the top", "Where the image sits; empty is centred.", group="Images", unit="px"
    )
    auto_crop: bool = parameter(False, "Crop what overhangs", "Else an overhanging image is refused.", group="Images")
    mode: Literal["high", "fast"] = parameter("high", "Quality", "Fast costs less.", level="basic", group="Quality")
    disable_pup: bool = parameter(
        False, "Keep the prompt as it is", "BFL does not rewrite the prompt.", level="more", group="Prompt"
    )
    safety_tolerance: int = _safety(5)
    output_format: OutputFormat | None = _format("png")


class EraseParameters(Parameters):
    """Take things out of an image."""

    image: str = _image(..., "Image", "What to take something out of.")
    mask: str = _mask(..., "As large as the image; white is taken out.")
    dilate_pixels: int = parameter(
        10, "Margin", "So much around the mask is taken out too.", group="Images", unit="px", ge=0, le=25
    )
    seed: int | None = _seed()
    safety_tolerance: int = _safety(5)
    output_format: OutputFormat | None = _format("png")


class DeblurParameters(Parameters):
    """Make a blurred image sharp."""

    image: str = _image(..., "Image", "The blurred image.")
    seed: int | None = _seed()
    safety_tolerance: int = _safety(5)
    output_format: OutputFormat | None = _format("png")


class FluxPro11Parameters(Parameters):
    """FLUX1.1 [pro]."""

    prompt: str | None = _prompt("")
    image_prompt: str | None = _image(None, "Image prompt", "An image to be inspired by.")
    width: int = parameter(
        1024, "Width", "Multiple of 32.", level="basic", group="Images", unit="px", ge=256, le=1440, multiple_of=32
    )
    height: int = parameter(
        768, "Height", "Multiple of 32.", level="basic", group="Images", unit="px", ge=256, le=1440, multiple_of=32
    )
    prompt_upsampling: bool = _upsampling(False)
    seed: int | None = _seed()
    safety_tolerance: int = _safety(6)
    output_format: OutputFormat | None = _format("jpeg")


class FluxDevParameters(FluxPro11Parameters):
    """FLUX.1 [dev]."""

    prompt: str = _prompt("")
    steps: int | None = parameter(
        28, "Steps", "How often the image is refined.", group="Quality", unit="steps", ge=1, le=50
    )
    guidance: float | None = parameter(
        3.0, "Guidance", "How closely the prompt is followed.", group="Quality", ge=1.5, le=5
    )


class _Ultra(Parameters):
    prompt: str | None = _prompt("")
    aspect_ratio: Ratio = parameter("16:9", "Ratio", "From 21:9 to 9:21.", level="basic", group="Images")
    image_prompt: str | None = _image(None, "Image prompt", "An image to be inspired by.")
    image_prompt_strength: float = parameter(
        0.1, "Strength of the image prompt", "0 ignores it.", group="Images", ge=0, le=1
    )
    prompt_upsampling: bool = _upsampling(False)
    seed: int | None = _seed()
    safety_tolerance: int = _safety(6)
    output_format: OutputFormat | None = _format("jpeg")


class UltraParameters(_Ultra):
    """FLUX1.1 [pro] ultra, four megapixels."""

    raw: bool = parameter(False, "Raw", "Less polished, more natural.", level="basic", group="Quality")


class UltraFinetunedParameters(_Ultra):
    """The same with an old finetune."""

    finetune_id: str = _finetune_id()
    finetune_strength: float = _strength(1.2)


class KontextParameters(Parameters):
    """FLUX.1 Kontext: edit by saying what to change."""

    prompt: str = _prompt()
    input_image: str | None = _reference(1)
    input_image_2: str | None = _reference(2)
    input_image_3: str | None = _reference(3)
    input_image_4: str | None = _reference(4)
    aspect_ratio: Ratio | None = parameter(
        None, "Ratio", "Empty follows the image, else it is square.", level="basic", group="Images"
    )
    prompt_upsampling: bool = _upsampling(False)
    seed: int | None = _seed()
    safety_tolerance: int = _safety(6)
    output_format: OutputFormat | None = _format("png")


class _Repaint(Parameters):
    image: str = _image(..., "Image", "The image to work on.")
    seed: int | None = _seed()
    safety_tolerance: int = _safety(6)
    output_format: OutputFormat | None = _format("jpeg")


class ExpandParameters(_Repaint):
    """FLUX.1 Expand: new pixels at the edges."""

    prompt: str | None = _prompt("")
    top: int | None = parameter(0, "Above", "New pixels.", level="basic", group="Images", unit="px", ge=0, le=2048)
    bottom: int | None = parameter(0, "Below", "New pixels.", level="basic", group="Images", unit="px", ge=0, le=2048)
    left: int | None = parameter(0, "Left", "New pixels.", level="basic", group="Images", unit="px", ge=0, le=2048)
    right: int | None = parameter(0, "Right", "New pixels.", level="basic", group="Images", unit="px", ge=0, le=2048)
    steps: int | None = parameter(
        50, "Steps", "How often the image is refined.", group="Quality", unit="steps", ge=15, le=50
    )
    guidance: float | None = parameter(
        60, "Guidance", "How closely the prompt is followed.", group="Quality", ge=1.5, le=100
    )
    prompt_upsampling: bool | None = _upsampling(False)


class FillParameters(_Repaint):
    """FLUX.1 Fill: paint part of an image anew."""

    mask: str | None = _mask(None, "As large as the image; white is painted anew. Or give an image with alpha.")
    prompt: str | None = _prompt("")
    steps: int | None = parameter(
        50, "Steps", "How often the image is refined.", group="Quality", unit="steps", ge=15, le=50
    )
    guidance: float | None = parameter(
        60, "Guidance", "How closely the prompt is followed.", group="Quality", ge=1.5, le=100
    )
    prompt_upsampling: bool | None = _upsampling(False)


class FillFinetunedParameters(_Repaint):
    """The same with an old finetune."""

    finetune_id: str = _finetune_id()
    finetune_strength: float = _strength(1.1)
    mask: str | None = _mask(None, "As large as the image; white is painted anew. Or give an image with alpha.")
    prompt: str = _prompt("")
    steps: int = parameter(50, "Steps", "How often the image is refined.", group="Quality", unit="steps", ge=15, le=50)
    guidance: float = parameter(60, "Guidance", "How closely the prompt is followed.", group="Quality", ge=1.5, le=100)
    prompt_upsampling: bool = _upsampling(False)

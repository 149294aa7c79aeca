"""What BFL's endpoints take, each declared once: names, ranges and defaults are BFL's."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from fluxtune.engine.recipes import Quality

OutputFormat = Literal["jpeg", "png", "webp"]
Strength = Annotated[float, Field(ge=0, le=2)]
Pixels = Annotated[int, Field(ge=256, le=1440, multiple_of=32)]


def _zero_is_open(value: Any) -> Any:
    return None if value == 0 and not isinstance(value, bool) else value


# The published default is 0, below the published minimum; it means: left open.
OpenPixels = Annotated[Annotated[int, Field(ge=64)] | None, BeforeValidator(_zero_is_open)]


class Hook(BaseModel):
    """Where to tell that a task has ended. Fields that are not known are ignored, as BFL does."""

    model_config = ConfigDict(extra="ignore")

    webhook_url: str | None = Field(
        None, min_length=1, max_length=2083, pattern=r"^[^\x00-\x20\x7f]+$", json_schema_extra={"format": "uri"}
    )
    webhook_secret: SecretStr | None = None


class StudioWishes(BaseModel):
    """What goes beyond BFL's fields, for servers whose extensions name `recipe`; BFL ignores it."""

    model_config = ConfigDict(extra="ignore")

    key: str | None = Field(
        None, min_length=8, max_length=64, description="Sent again with the same key, it names the finetune of then."
    )
    name: str | None = Field(None, min_length=1, max_length=110, description="What to call it, instead of the comment.")
    base: str | None = Field(None, max_length=64, description="One of the bases that are discovered.")
    quality: Quality | None = None
    recipe: dict[str, Any] | None = Field(
        None, max_length=100, description="Settings of a recipe; they take the place of iterations, rate and rank."
    )


class FinetuneInputs(Hook):
    """`POST /v1/finetune`."""

    file_data: str = Field(description="A ZIP of images, and captions as .txt files named like them, in base64.")
    finetune_comment: str = Field(description="What to call it.")
    mode: Literal["general", "character", "style", "product"]
    trigger_word: str = Field("TOK", max_length=60)
    iterations: int = Field(300, ge=100, le=1000)
    learning_rate: float | None = Field(None, ge=1e-6, le=5e-3)
    captioning: bool = True
    priority: Literal["speed", "quality", "high_res_only"] = "quality"
    finetune_type: Literal["full", "lora"] = "full"
    lora_rank: Literal[16, 32] = 32
    fluxtune: StudioWishes | None = Field(None, description="An extension: what BFL's fields can't say.")


class DeleteFinetuneInputs(BaseModel):
    """`POST /v1/delete_finetune`."""

    finetune_id: str


class DrawInputs(Hook):
    """What all endpoints that draw take."""

    IMAGES: ClassVar[tuple[str, ...]] = ()
    """Fields that hold images."""

    prompt: str | None = ""
    seed: int | None = None
    safety_tolerance: int = Field(2, ge=0, le=6)
    output_format: OutputFormat | None = "jpeg"
    user: str | None = Field(None, min_length=1, max_length=256)


class SizedInputs(DrawInputs):
    """FLUX.1 endpoints that take width and height."""

    IMAGES = ("image_prompt",)

    image_prompt: str | None = None
    width: Pixels = 1024
    height: Pixels = 768
    prompt_upsampling: bool = False


class DevInputs(SizedInputs):
    """`/v1/flux-dev`."""

    steps: int | None = Field(28, ge=1, le=50)
    guidance: float | None = Field(3.0, ge=1.5, le=5)


class ProFinetunedInputs(SizedInputs):
    """`/v1/flux-pro-finetuned`."""

    finetune_id: str
    finetune_strength: Strength = 1.1
    steps: int = Field(40, ge=1, le=50)
    guidance: float = Field(2.5, ge=1.5, le=5)


class UltraFinetunedInputs(DrawInputs):
    """`/v1/flux-pro-1.1-ultra-finetuned`."""

    IMAGES = ("image_prompt",)

    finetune_id: str
    finetune_strength: Strength = 1.2
    aspect_ratio: str = Field("16:9", max_length=20)
    image_prompt: str | None = None
    image_prompt_strength: float = Field(0.1, ge=0, le=1)
    prompt_upsampling: bool = False


class KleinInputs(DrawInputs):
    """`/v1/flux-2-klein-4b` and `-9b`."""

    IMAGES = ("input_image", "input_image_2", "input_image_3", "input_image_4")

    prompt: str
    input_image: str | None = None
    input_image_2: str | None = None
    input_image_3: str | None = None
    input_image_4: str | None = None
    width: OpenPixels = None
    height: OpenPixels = None
    safety_tolerance: int = Field(2, ge=0, le=5)


class KleinFinetunedInputs(KleinInputs):
    """The six `/v1/flux-2-klein-…-finetuned`."""

    finetune_id: str
    finetune_strength: Strength = 1.0


class StudioDrawInputs(DrawInputs):
    """`/v1/fluxtune/draw`, an extension: any base or finetune, with the settings of the studio itself."""

    base: str | None = Field(None, max_length=64, description="One of the bases that are discovered.")
    finetune_id: str | None = Field(None, description="A finetune; without one the base is drawn as it is.")
    finetune_strength: Strength = 1.0
    width: OpenPixels = None
    height: OpenPixels = None
    steps: int | None = Field(None, ge=1, le=150)
    guidance: float | None = Field(None, ge=1, le=20)


class ControlInputs(DrawInputs):
    """Finetuned endpoints that redraw an image; no base here can."""

    finetune_id: str
    finetune_strength: Strength = 1.1
    prompt_upsampling: bool = False
    steps: int = Field(50, ge=15, le=50)


class FillFinetunedInputs(ControlInputs):
    """`/v1/flux-pro-1.0-fill-finetuned`."""

    IMAGES = ("image", "mask")

    image: str
    mask: str | None = None
    guidance: float = Field(60, ge=1.5, le=100)


class DepthFinetunedInputs(ControlInputs):
    """`/v1/flux-pro-1.0-depth-finetuned`."""

    IMAGES = ("control_image",)

    prompt: str
    control_image: str
    guidance: float = Field(15, ge=1, le=100)


class CannyFinetunedInputs(DepthFinetunedInputs):
    """`/v1/flux-pro-1.0-canny-finetuned`."""

    canny_low_threshold: int | None = Field(50, ge=0, le=500)
    canny_high_threshold: int | None = Field(200, ge=0, le=500)
    guidance: float = Field(30, ge=1, le=100)

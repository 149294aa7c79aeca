"""Every image endpoint of BFL, declared once: forms, checks, estimates and docs follow from this table."""

from dataclasses import dataclass
from typing import Any, Literal

from fluxtune.backends.bfl import parameters as take
from fluxtune.backends.bfl.prices import Price
from fluxtune.core.errors import InvalidInput, NotFound

Stage = Literal["live", "beta", "retired"]
PREFIX = "bfl:"
"""Before an endpoint's name it makes the id of a model one can generate with."""
ACTIVE_TASKS = 24
"""How many unfinished tasks BFL lets an account have."""


class EndpointMissing(NotFound):
    """BFL has no such endpoint."""

    title = "No such hosted model"
    action = "`fluxtune hosted models` lists them."


class EndpointRetired(InvalidInput):
    """BFL has switched the endpoint off."""

    title = "BFL has retired this model"


@dataclass(frozen=True)
class Lifecycle:
    """Whether an endpoint can be used, since when, and what replaces one that can't."""

    stage: Stage = "live"
    since: str | None = None
    replaced_by: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: where it is, what it takes, what it costs, and for how long it may be expected to work.

    `parameters` and `price` are None for what is retired. `typical_s`: seconds until an image is usually there, only to
    ask at the right time. `active_tasks`: its own limit of unfinished tasks, where it is lower than the account's.
    """

    name: str
    title: str
    description: str
    parameters: type[take.Parameters] | None
    price: Price | None
    lifecycle: Lifecycle = Lifecycle()
    typical_s: float = 5.0
    active_tasks: int = ACTIVE_TASKS

    @property
    def path(self) -> str:
        """Where requests go."""
        return f"/v1/{self.name}"

    @property
    def model_id(self) -> str:
        """The id one generates with."""
        return PREFIX + self.name

    @property
    def fields(self) -> frozenset[str]:
        """The names of its parameters."""
        return frozenset(self.parameters.model_fields) if self.parameters else frozenset()

    @property
    def image_fields(self) -> tuple[str, ...]:
        """The parameters that take an image, in order."""
        fields = self.parameters.model_fields if self.parameters else {}
        return tuple(name for name, info in fields.items() if _holds_image(info.json_schema_extra))

    def image_rules(self, name: str) -> dict[str, Any]:
        """Return what the declaration of an image field says of it besides its texts."""
        extra = self.parameters.model_fields[name].json_schema_extra if self.parameters else None
        return dict(extra) if isinstance(extra, dict) else {}

    @property
    def needs_image(self) -> bool:
        """True when it does nothing without an image."""
        fields = self.parameters.model_fields if self.parameters else {}
        return any(fields[name].is_required() for name in self.image_fields)

    @property
    def max_images(self) -> int:
        """How many images it takes."""
        return 10 if "images" in self.fields else len(self.image_fields)

    @property
    def has_seed(self) -> bool:
        """True when the same seed gives the same image."""
        return "seed" in self.fields

    @property
    def is_always_large(self) -> bool:
        """True when all its images have four megapixels."""
        return "ultra" in self.name

    @property
    def takes_finetune(self) -> bool:
        """True when it draws with a LoRA of one's own."""
        return "finetune_id" in self.fields

    @property
    def takes_webhook(self) -> bool:
        """True when it can tell by itself that an image is ready; the newest endpoints refuse the question."""
        return self.name not in ("flux-3-image", "flux-tools/outpainting-v1")

    @property
    def is_usable(self) -> bool:
        """True when it is not retired."""
        return self.lifecycle.stage != "retired"


UPSAMPLING = frozenset({"prompt_upsampling", "disable_pup"})
"""Parameters that say whether BFL writes a prompt anew."""
# Each is set by what one does with an image: draw it again with its seed, place it on a larger canvas.
_NOT_ADVANCED = UPSAMPLING | {"seed", "reference_offset_x", "reference_offset_y"}


def is_advanced(endpoint: Endpoint, name: str) -> bool:
    """Return whether a parameter stands under “More settings”."""
    fields = endpoint.parameters.model_fields if endpoint.parameters else {}
    extra = fields[name].json_schema_extra if name in fields else None
    return isinstance(extra, dict) and extra.get("level") != "basic" and name not in _NOT_ADVANCED


def _holds_image(extra: object) -> bool:
    return isinstance(extra, dict) and extra.get("holds") in (take.IMAGE, take.MASK)


_LIST = "BFL's price list"
_KLEIN_4B = Price(1.4, _LIST, "high", more=0.1)
_KLEIN_9B = Price(1.5, _LIST, "medium", more=0.2)
_PRO = Price(3.0, _LIST, "high", more=1.5)
_BETA = Lifecycle("beta", "2026-04-23", note="Public beta; not in BFL's own description of its API.")
_ROLLING = Lifecycle("beta", note="Changes whenever BFL improves it; the same seed may draw something else tomorrow.")
_OLD_FINETUNE = Lifecycle(
    "beta",
    "2025-10-31",
    "flux-2-klein-9b-finetuned",
    "Announced as deprecated, though BFL still lists it; whether it answers is not known.",
)


def _retired(name: str, title: str, replaced_by: str) -> Endpoint:
    return Endpoint(name, title, "", None, None, Lifecycle("retired", "2025-10-31", replaced_by))


def _klein(name: str, title: str, price: Price, note: str) -> Endpoint:
    return Endpoint(name, title, note, take.Flux2KleinFinetunedParameters, price, _BETA, 1.5)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("flux-2-pro", "FLUX.2 [pro]", "The everyday model: quality at a fair price.", take.Flux2Parameters, _PRO,
             typical_s=6),
    Endpoint("flux-2-pro-preview", "FLUX.2 [pro] preview", "The newest pro.", take.Flux2Parameters, _PRO, _ROLLING, 6),
    Endpoint("flux-2-max", "FLUX.2 [max]", "The best FLUX.2.", take.Flux2Parameters,
             Price(7.0, _LIST, "medium", more=3.0), typical_s=12),
    Endpoint("flux-2-flex", "FLUX.2 [flex]", "Steps and guidance are yours; best at text.", take.Flux2FlexParameters,
             Price(5.0, _LIST, "medium", more=5.0), typical_s=12),
    Endpoint("flux-2-klein-4b", "FLUX.2 [klein] 4B", "The fastest and cheapest.", take.Flux2KleinParameters, _KLEIN_4B,
             typical_s=1),
    Endpoint("flux-2-klein-9b", "FLUX.2 [klein] 9B", "Fast, and better than 4B.", take.Flux2KleinParameters, _KLEIN_9B,
             typical_s=1.5),
    Endpoint("flux-2-klein-9b-preview", "FLUX.2 [klein] 9B preview", "The newest klein; quick with several references.",
             take.Flux2KleinParameters, _KLEIN_9B, _ROLLING, 1.5),
    _klein("flux-2-klein-4b-finetuned", "FLUX.2 [klein] 4B + LoRA", _KLEIN_4B, "A LoRA trained on klein Base 4B."),
    _klein("flux-2-klein-9b-finetuned", "FLUX.2 [klein] 9B + LoRA", _KLEIN_9B, "A LoRA trained on klein Base 9B."),
    _klein("flux-2-klein-9b-kv-finetuned", "FLUX.2 [klein] 9B KV + LoRA", _KLEIN_9B, "Quick with several references."),
    _klein("flux-2-klein-9b-kv-bf16-finetuned", "FLUX.2 [klein] 9B KV BF16 + LoRA", _KLEIN_9B,
           "The same in full precision."),
    _klein("flux-2-klein-base-4b-finetuned", "FLUX.2 [klein] Base 4B + LoRA", _KLEIN_4B, "The undistilled base."),
    _klein("flux-2-klein-base-9b-finetuned", "FLUX.2 [klein] Base 9B + LoRA", _KLEIN_9B, "The undistilled base."),
    Endpoint("flux-3-image", "FLUX 3 Image", "The newest model; rewrites every prompt.", take.Flux3ImageParameters,
             Price(4.8, "BFL's price list; the price of 1.5k is not published, that of 2k stands for it", "high",
                   tiers={"768sq": 4.1, "1k": 4.8, "1.5k": 10.0, "2k": 10.0, "4k": 60.7}),
             Lifecycle("live", "2026-10-01"), 10),
    Endpoint("flux-tools/outpainting-v1", "Outpainting", "A larger canvas around an image.", take.OutpaintingParameters,
             Price(3.0, "not published; that of FLUX.2 [pro] stands for it", "low", more=1.5), typical_s=6),
    Endpoint("flux-tools/erase-v1", "Erase", "Take things out of an image.", take.EraseParameters,
             Price(3.0, "resellers", "medium", more=0.4), typical_s=4),
    Endpoint("flux-tools/deblur-v1", "Deblur", "Make a blurred image sharp.", take.DeblurParameters,
             Price(1.5, "not published; that of klein 9B, which does the work, stands for it", "low", more=0.2),
             typical_s=2),
    Endpoint("flux-pro-1.1", "FLUX1.1 [pro]", "The workhorse of the first generation.", take.FluxPro11Parameters,
             Price(4.0, _LIST, "high")),
    Endpoint("flux-pro-1.1-ultra", "FLUX1.1 [pro] ultra", "Four megapixels; raw looks natural.", take.UltraParameters,
             Price(6.0, _LIST, "high"), typical_s=9),
    Endpoint("flux-dev", "FLUX.1 [dev]", "The open model of the first generation.", take.FluxDevParameters,
             Price(2.5, "an older price list", "medium")),
    Endpoint("flux-kontext-pro", "FLUX.1 Kontext [pro]", "Edit by saying what to change.", take.KontextParameters,
             Price(4.0, _LIST, "high"), typical_s=6),
    Endpoint("flux-kontext-max", "FLUX.1 Kontext [max]", "The better Kontext.", take.KontextParameters,
             Price(8.0, _LIST, "high"), typical_s=8, active_tasks=6),
    Endpoint("flux-pro-1.0-fill", "FLUX.1 Fill [pro]", "Paint part of an image anew.", take.FillParameters,
             Price(5.0, _LIST, "high"), typical_s=8),
    Endpoint("flux-pro-1.0-expand", "FLUX.1 Expand [pro]", "New pixels at the edges.", take.ExpandParameters,
             Price(5.0, "not published; that of Fill stands for it", "low"), typical_s=8),
    Endpoint("flux-pro-1.1-ultra-finetuned", "FLUX1.1 [pro] ultra + finetune", "Finetunes made at BFL until 2025.",
             take.UltraFinetunedParameters, Price(7.0, "the price list of 2025", "medium"), _OLD_FINETUNE, 12),
    Endpoint("flux-pro-1.0-fill-finetuned", "FLUX.1 Fill [pro] + finetune", "Finetunes made at BFL until 2025.",
             take.FillFinetunedParameters, Price(6.0, "the price list of 2025", "medium"), _OLD_FINETUNE, 12),
    _retired("flux-pro", "FLUX.1 [pro]", "flux-pro-1.1"),
    _retired("flux-pro-1.0", "FLUX.1 [pro] 1.0", "flux-pro-1.1"),
    _retired("flux-pro-1.0-canny", "FLUX.1 Canny [pro]", "flux-2-pro"),
    _retired("flux-pro-1.0-depth", "FLUX.1 Depth [pro]", "flux-2-pro"),
    _retired("flux-pro-finetuned", "FLUX.1 [pro] + finetune", "flux-2-klein-9b-finetuned"),
    _retired("flux-pro-1.0-canny-finetuned", "FLUX.1 Canny [pro] + finetune", "flux-2-klein-9b-finetuned"),
    _retired("flux-pro-1.0-depth-finetuned", "FLUX.1 Depth [pro] + finetune", "flux-2-klein-9b-finetuned"),
)  # fmt: skip

_BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}


def is_hosted(model_id: str) -> bool:
    """Return whether a model's id means an endpoint of BFL."""
    return model_id.startswith(PREFIX)


def find_endpoint(name: str) -> Endpoint:
    """Return an endpoint by its name, with or without the prefix, retired ones too; raise EndpointMissing."""
    endpoint = _BY_NAME.get(name.removeprefix(PREFIX))
    if endpoint is None:
        raise EndpointMissing(f"BFL has no model “{name.removeprefix(PREFIX)[:64]}”.", field="model_id")
    return endpoint


def require_usable(name: str) -> Endpoint:
    """Return an endpoint that can be used; raise EndpointMissing, or EndpointRetired naming what replaces it."""
    endpoint = find_endpoint(name)
    if not endpoint.is_usable:
        life = endpoint.lifecycle
        raise EndpointRetired(
            f"{endpoint.title} was switched off on {life.since}.",
            action=f"Use {PREFIX}{life.replaced_by} instead.",
            field="model_id",
        )
    return endpoint

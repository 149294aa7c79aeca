"""The endpoints that draw, each with what it takes and which base stands for it here."""

from dataclasses import dataclass

from fluxtune.contract.inputs import (
    CannyFinetunedInputs,
    DepthFinetunedInputs,
    DevInputs,
    DrawInputs,
    FillFinetunedInputs,
    KleinFinetunedInputs,
    KleinInputs,
    ProFinetunedInputs,
    StudioDrawInputs,
    UltraFinetunedInputs,
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. `base` is the local base that is the same model, where there is one."""

    name: str
    inputs: type[DrawInputs]
    summary: str
    base: str | None = None
    refusal: str | None = None
    """Why no base here can do it."""

    @property
    def is_finetuned(self) -> bool:
        """Whether it draws with a finetune."""
        return "finetune_id" in self.inputs.model_fields


_REDRAWS = "The bases here draw from words only; none can {what}. Use /v1/flux-pro-finetuned."


def _klein_finetuned(size: str, base: str) -> Endpoint:
    name = f"flux-2-klein-{size}-finetuned"
    return Endpoint(name, KleinFinetunedInputs, f"Draw with a finetune, as FLUX.2 [klein] {size} does", base)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("flux-pro-finetuned", ProFinetunedInputs, "Draw with a finetune, as FLUX.1 [pro] did"),
    Endpoint("flux-pro-1.1-ultra-finetuned", UltraFinetunedInputs, "Draw with a finetune, as FLUX1.1 [pro] ultra did"),
    _klein_finetuned("4b", "flux2-klein-4b"),
    _klein_finetuned("9b", "flux2-klein-9b"),
    _klein_finetuned("9b-kv", "flux2-klein-9b"),
    _klein_finetuned("9b-kv-bf16", "flux2-klein-9b"),
    _klein_finetuned("base-4b", "flux2-klein-base-4b"),
    _klein_finetuned("base-9b", "flux2-klein-base-9b"),
    Endpoint("flux-2-klein-4b", KleinInputs, "Draw with FLUX.2 [klein] 4B", "flux2-klein-4b"),
    Endpoint("flux-2-klein-9b", KleinInputs, "Draw with FLUX.2 [klein] 9B", "flux2-klein-9b"),
    Endpoint("flux-dev", DevInputs, "Draw with FLUX.1 [dev]", "flux1-dev"),
    Endpoint("fluxtune/draw", StudioDrawInputs, "An extension: draw with any base or finetune of the studio"),
    Endpoint(
        "flux-pro-1.0-fill-finetuned",
        FillFinetunedInputs,
        "Refused: no base here fills masks",
        refusal=_REDRAWS.format(what="repaint a part of an image"),
    ),
    Endpoint(
        "flux-pro-1.0-depth-finetuned",
        DepthFinetunedInputs,
        "Refused: no base here follows a depth map",
        refusal=_REDRAWS.format(what="follow the depth of an image"),
    ),
    Endpoint(
        "flux-pro-1.0-canny-finetuned",
        CannyFinetunedInputs,
        "Refused: no base here follows edges",
        refusal=_REDRAWS.format(what="follow the edges of an image"),
    ),
)
"""All of them. What is asked for beside these is answered with 404, naming them."""

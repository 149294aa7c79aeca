"""What the feature flags allow of a request for images."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from fluxtune.backends.bfl.endpoints import Endpoint, find_endpoint, is_advanced, is_hosted
from fluxtune.flags import service as flags
from fluxtune.generations.schemas import GenerationCreate

HIGH_RESOLUTION_PX = 1_100_000
"""Larger images are high resolution: FLUX draws about a million pixels by itself, in any shape."""
_LARGE_TIERS = frozenset({"1.5k", "2k", "4k"})
_ADVANCED = ("steps", "guidance")
_UPSAMPLING = "prompt_upsampling"
_NO_UPSAMPLING = "disable_pup"


def allowed(session: Session, create: GenerationCreate) -> GenerationCreate:
    """Return a request as far as left open things go; raise `FlagOff` for what it asks and `acting()` may not."""
    on = set(flags.list_on(session))
    if "batch-generation" not in on:
        if "count" in create.model_fields_set and create.count > 1:
            flags.require(session, "batch-generation", field="count")
        create = create.model_copy(update={"count": 1})
    if "advanced-parameters" not in on:
        for name in _ADVANCED:
            if getattr(create, name) is not None:
                flags.require(session, "advanced-parameters", field=name)
    if not is_hosted(create.model_id):
        return create
    endpoint = find_endpoint(create.model_id)
    if "advanced-parameters" not in on:
        for name in _advanced_of(endpoint, create.parameters):
            flags.require(session, "advanced-parameters", field=name)
    if "image-prompts" not in on:
        for name in endpoint.image_fields:
            if create.parameters.get(name):
                flags.require(session, "image-prompts", field=name)
        if endpoint.needs_image:
            flags.require(session, "image-prompts", field="model_id")
    return create if "prompt-upsampling" in on else _as_written(session, endpoint, create)


def _advanced_of(endpoint: Endpoint, parameters: Mapping[str, Any]) -> list[str]:
    """Return the given parameters that stand under “More settings” and are not as they are by default."""
    fields = endpoint.parameters.model_fields if endpoint.parameters else {}
    return [
        name
        for name, value in parameters.items()
        if is_advanced(endpoint, name) and value is not None and value != fields[name].default
    ]


def _as_written(session: Session, endpoint: Endpoint, create: GenerationCreate) -> GenerationCreate:
    """Return the request with a prompt that is not written anew; some models do that unless they are told not to."""
    if create.parameters.get(_UPSAMPLING):
        flags.require(session, "prompt-upsampling", field=_UPSAMPLING)
    if create.parameters.get(_NO_UPSAMPLING) is False:
        flags.require(session, "prompt-upsampling", field=_NO_UPSAMPLING)
    told = {_UPSAMPLING: False, _NO_UPSAMPLING: True}
    fixed = {name: value for name, value in told.items() if name in endpoint.fields}
    return create.model_copy(update={"parameters": {**create.parameters, **fixed}})


def require_hosted(session: Session, endpoint: Endpoint) -> None:
    """Raise `FlagOff` unless `acting()` may draw at BFL, with this endpoint."""
    flags.require(session, "hosted-backends", field="model_id")
    if endpoint.lifecycle.stage == "beta":
        flags.require(session, "experimental-endpoints", field="model_id")


def require_size(session: Session, width: int, height: int) -> None:
    """Raise `FlagOff` for an image, in pixels, that is larger than `acting()` may ask for."""
    if width * height > HIGH_RESOLUTION_PX:
        flags.require(session, "high-resolution", field="width")


def require_hosted_size(session: Session, endpoint: Endpoint, values: Mapping[str, Any]) -> None:
    """Raise `FlagOff` for a hosted image that is larger than `acting()` may ask for; `values` have all defaults."""
    if values.get("resolution") in _LARGE_TIERS:
        flags.require(session, "high-resolution", field="resolution")
    if endpoint.is_always_large:
        flags.require(session, "high-resolution", field="model_id")
    require_size(session, int(values.get("width") or 0), int(values.get("height") or 0))

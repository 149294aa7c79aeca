"""BFL's API. Paths are those under `/v1`, where the studio mounts it."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse
from fastapi.security import APIKeyHeader
from sqlalchemy.orm import Session

from fluxtune.config import Settings, get_settings
from fluxtune.contract.catalogue import ENDPOINTS, Endpoint
from fluxtune.contract.drawing import Drawing
from fluxtune.contract.extensions import Asked, Extensions
from fluxtune.contract.finetuning import Finetuning
from fluxtune.contract.inputs import DeleteFinetuneInputs, FinetuneInputs, OutputFormat
from fluxtune.contract.links import LinkSigner
from fluxtune.contract.records import Caller
from fluxtune.contract.results import Results
from fluxtune.contract.schemas import (
    CancelInputs,
    CancelResponse,
    CreditsResponse,
    DeleteFinetuneResponse,
    ExtensionsResponse,
    FinetuneDetailResponse,
    FinetuneSubmitted,
    MyFinetunesResponse,
    ProgressResponse,
    Refused,
    ResultResponse,
    Submitted,
    ValidationFailed,
)
from fluxtune.core.actor import Actor
from fluxtune.core.clock import now
from fluxtune.db import get_session
from fluxtune.flags import service as flags
from fluxtune.imaging import MEDIA_TYPES, encode_as
from fluxtune.storage import Blobs, get_blobs

CREDITS = 1_000_000.0
"""Programs stop at 0, and nothing is ever taken from this."""

SessionDep = Annotated[Session, Depends(get_session, scope="function")]
BlobsDep = Annotated[Blobs, Depends(get_blobs)]
SettingsDep = Annotated[Settings, Depends(get_settings)]

Responses = dict[int | str, dict[str, Any]]

REFUSED: Responses = {403: {"model": Refused, "description": "No token, or one that is not valid."}}
INVALID: Responses = {422: {"model": ValidationFailed, "description": "Something given is not acceptable."}}
NOT_FOUND: Responses = {404: {"model": Refused, "description": "There is no such thing."}}
CONFLICT: Responses = {409: {"model": Refused, "description": "It has ended already."}}
ADAPTER: Responses = {200: {"content": {"application/octet-stream": {}}, "description": "The adapter as safetensors."}}
BUSY: Responses = {
    429: {"model": Refused, "description": "Too many tasks wait or run."},
    503: {"model": Refused, "description": "The engine or the base is not complete."},
}
TOO_LARGE: Responses = {413: {"model": Refused, "description": "The request is larger than this server accepts."}}
IMAGE: Responses = {200: {"content": {each: {} for each in MEDIA_TYPES.values()}, "description": "The image."}}

# The gate checks the key; this makes the API's description say so.
KEY = APIKeyHeader(name="x-key", scheme_name="APIKeyHeader", auto_error=False)


def require_server(session: SessionDep) -> None:
    """Refuse everything while the server under `/v1` is switched off, for all or for whoever asks."""
    flags.require(session, "v1-server")


router = APIRouter(responses={**REFUSED, **INVALID}, dependencies=[Depends(KEY), Depends(require_server)])
samples_router = APIRouter(responses={**REFUSED, **INVALID})


async def get_caller(request: Request, settings: SettingsDep) -> Caller:
    """Return who asks and by which address they reached us; the gate has checked both."""
    actor: Actor = request.state.actor
    public = settings.contract.public_url
    origin = public.rstrip("/") if public else f"{request.url.scheme}://{request.headers['host']}"
    return Caller(actor.name, origin)


CallerDep = Annotated[Caller, Depends(get_caller)]


async def get_finetuning(session: SessionDep, blobs: BlobsDep, settings: SettingsDep) -> Finetuning:
    """Return the finetunes of this request."""
    return Finetuning(session, blobs, settings)


FinetuningDep = Annotated[Finetuning, Depends(get_finetuning)]


@router.post("/finetune", tags=["finetunes"], responses={**BUSY, **TOO_LARGE}, response_model_exclude_none=True)
def create_finetune(inputs: FinetuneInputs, finetuning: FinetuningDep, caller: CallerDep) -> FinetuneSubmitted:
    """Make a dataset of a ZIP and start a finetune on it."""
    return finetuning.create(inputs, caller)


@router.get("/finetune_details", tags=["finetunes"], responses=NOT_FOUND)
def get_finetune_details(finetune_id: str, finetuning: FinetuningDep) -> FinetuneDetailResponse:
    """Show what is known of a finetune."""
    return FinetuneDetailResponse(finetune_details=finetuning.details(finetune_id))


@router.get("/my_finetunes", tags=["finetunes"])
def list_finetunes(finetuning: FinetuningDep) -> MyFinetunesResponse:
    """List the ids of finetunes, newest first."""
    return MyFinetunesResponse(finetunes=finetuning.list_ids())


@router.post("/delete_finetune", tags=["finetunes"], responses=NOT_FOUND)
def delete_finetune(inputs: DeleteFinetuneInputs, finetuning: FinetuningDep) -> DeleteFinetuneResponse:
    """Put a finetune and its model into the trash of the studio; cancel it if it still runs."""
    return finetuning.delete(inputs.finetune_id)


@router.get("/get_result", tags=["tasks"])
def get_result(
    id: Annotated[str, Query()], session: SessionDep, blobs: BlobsDep, settings: SettingsDep, caller: CallerDep
) -> ResultResponse:
    """Show how far a task is, and a link to what it made."""
    return Results(session, blobs, settings).get_result(id, caller)


@router.get("/credits", tags=["tasks"])
def get_credits() -> CreditsResponse:
    """Say what is left to spend: always the same, because nothing costs anything here."""
    return CreditsResponse(credits=CREDITS)


@router.get("/fluxtune", tags=["extensions"])
def get_extensions(session: SessionDep, blobs: BlobsDep, settings: SettingsDep) -> ExtensionsResponse:
    """Say what this server does beyond BFL's API; BFL itself answers 404."""
    return Extensions(session, blobs, settings).describe()


@router.get("/fluxtune/adapter", tags=["extensions"], responses={**NOT_FOUND, **ADAPTER}, response_class=FileResponse)
def get_adapter(finetune_id: str, session: SessionDep, blobs: BlobsDep, settings: SettingsDep) -> FileResponse:
    """Download the adapter a finetune made."""
    file = Extensions(session, blobs, settings).get_adapter(finetune_id)
    return FileResponse(file.path, filename=file.name, media_type="application/octet-stream")


@router.post("/fluxtune/cancel", tags=["extensions"], responses={**NOT_FOUND, **CONFLICT})
def cancel_task(inputs: CancelInputs, session: SessionDep, blobs: BlobsDep, settings: SettingsDep) -> CancelResponse:
    """End a task; it is then told of as `Error`."""
    Extensions(session, blobs, settings).cancel(inputs.id)
    return CancelResponse(id=inputs.id)


@router.post("/fluxtune/stop", tags=["extensions"], responses={**NOT_FOUND, **CONFLICT})
def stop_finetune(inputs: CancelInputs, session: SessionDep, blobs: BlobsDep, settings: SettingsDep) -> CancelResponse:
    """End a finetune and keep what it has learned; it is then `Ready`."""
    Extensions(session, blobs, settings).stop(inputs.id)
    return CancelResponse(id=inputs.id)


def _ask_for(what: Asked) -> Callable[..., CancelResponse]:
    def ask(inputs: CancelInputs, session: SessionDep, blobs: BlobsDep, settings: SettingsDep) -> CancelResponse:
        Extensions(session, blobs, settings).ask(inputs.id, what)
        return CancelResponse(id=inputs.id)

    return ask


_ASKED: dict[Asked, tuple[str, str]] = {
    "pause": ("Pause a finetune", "Save it and let it wait; `resume` lets it go on."),
    "resume": ("Resume a finetune", "Let a paused or failed one go on from its last checkpoint."),
    "sample": ("Sample a finetune", "Draw its samples now, with what it has learned so far."),
    "save": ("Save a finetune", "Save a checkpoint now; it stays on the server."),
}
for _what, (_summary, _text) in _ASKED.items():
    router.add_api_route(
        f"/fluxtune/{_what}",
        _ask_for(_what),
        methods=["POST"],
        name=f"{_what}_finetune",
        tags=["extensions"],
        summary=_summary,
        description=_text,
        responses={**NOT_FOUND, **CONFLICT, **BUSY},
    )


@router.get("/fluxtune/progress", tags=["extensions"], responses=NOT_FOUND)
def get_progress(
    id: Annotated[str, Query()],
    session: SessionDep,
    blobs: BlobsDep,
    settings: SettingsDep,
    caller: CallerDep,
    after: Annotated[int, Query(ge=0, description="Only what was measured after this step.")] = 0,
) -> ProgressResponse:
    """Show how far a finetune is: every measured step, and all samples so far."""
    return Extensions(session, blobs, settings).progress(id, after, caller)


@samples_router.head("/samples/{image_id}.{form}", include_in_schema=False)
@samples_router.get(
    "/samples/{image_id}.{form}", tags=["tasks"], responses={**NOT_FOUND, **IMAGE}, response_class=Response
)
def get_sample(
    image_id: str,
    form: OutputFormat,
    session: SessionDep,
    blobs: BlobsDep,
    settings: SettingsDep,
    expires: str = "",
    signature: str = "",
) -> Response:
    """Send the image a signed link leads to; no key is needed."""
    LinkSigner(settings).check(image_id, form, expires, signature, now())
    content = encode_as(Results(session, blobs, settings).read_sample(image_id), form)
    return Response(content, media_type=MEDIA_TYPES[form], headers={"X-Content-Type-Options": "nosniff"})


def _draw_with(endpoint: Endpoint) -> Callable[..., Submitted]:
    def draw(inputs: Any, session: SessionDep, blobs: BlobsDep, settings: SettingsDep, caller: CallerDep) -> Submitted:
        return Drawing(session, blobs, settings).draw(endpoint, inputs, caller)

    draw.__annotations__["inputs"] = endpoint.inputs
    return draw


for _each in ENDPOINTS:
    router.add_api_route(
        f"/{_each.name}",
        _draw_with(_each),
        methods=["POST"],
        name=_each.name,
        tags=["images"],
        summary=_each.summary,
        description=f"Submit a task; its image is found with get_result. {_each.refusal or ''}".strip(),
        responses={**NOT_FOUND, **BUSY, **TOO_LARGE},
        response_model_exclude_none=True,
    )

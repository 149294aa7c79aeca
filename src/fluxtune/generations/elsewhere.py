"""Generations at a server of one's own: the machinery of hosted images, without prices, budget and keys."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from fluxtune.backends.base import RunEnd, Steering
from fluxtune.backends.bfl.endpoints import Endpoint
from fluxtune.backends.bfl.parameters import Parameters
from fluxtune.backends.fluxtune.answers import Discovered
from fluxtune.config import Settings
from fluxtune.core.errors import InvalidInput
from fluxtune.engine.captions import fill_trigger
from fluxtune.generations.hosted import HostedGeneration
from fluxtune.generations.inputs import ParameterRefused
from fluxtune.generations.schemas import GenerationCreate
from fluxtune.generations.tables import GenerationRow
from fluxtune.hosted import ledger
from fluxtune.hosted.places import Places
from fluxtune.hosted.runner import HostedRunner, Limits
from fluxtune.hosted.tables import OWN_SERVER
from fluxtune.jobs.tasks import JobContext
from fluxtune.servers import connecting
from fluxtune.servers.models import SEPARATOR, base_named, drawing_endpoint
from fluxtune.servers.service import ServerService
from fluxtune.storage import Blobs

_STUDIO = "fluxtune/draw"
_SIZED = frozenset({"width", "height"})
TAKES: Mapping[str, frozenset[str]] = {
    _STUDIO: frozenset({"width", "height", "steps", "guidance"}),
    "flux-dev": frozenset({"width", "height", "steps", "guidance"}),
    "flux-pro-finetuned": frozenset({"width", "height", "steps", "guidance"}),
    "flux-pro-1.1-ultra-finetuned": frozenset(),
}
"""What can be said of an image, by endpoint; of those not named here its size."""


class _Asked(Parameters):
    """What is sent: the server knows its limits."""

    model_config = ConfigDict(extra="allow")

    prompt: str
    seed: int | None = None


class PromptMissing(InvalidInput):
    """The prompt holds nothing but blanks."""

    title = "The prompt is empty"
    action = "Say what the image should show."


class PlanElsewhere(BaseModel):
    """A generation at a server, checked as far as can be without asking it."""

    server_id: str
    model_name: str
    base: str
    endpoint: str
    values: dict[str, Any]
    prompt: str
    width: int
    height: int
    steps: int
    guidance: float

    @property
    def key_name(self) -> str:
        """What stands in the ledger where others have the key that pays."""
        return OWN_SERVER + self.server_id

    def record(self) -> dict[str, Any]:
        """Return what the generation remembers."""
        return {
            "endpoint": self.endpoint,
            "key_name": self.key_name,
            "values": self.values,
            "server_id": self.server_id,
        }


def endpoint_named(name: str) -> Endpoint:
    """Return an endpoint of a server as the machinery of hosted images knows them."""
    return Endpoint(name, name, "", _Asked, None, typical_s=3.0)


def is_at_server(row: GenerationRow) -> bool:
    """Return whether a generation is drawn at a server of one's own."""
    return row.hosted is not None and "server_id" in row.hosted


def plan_elsewhere(session: Session, settings: Settings, create: GenerationCreate) -> PlanElsewhere:
    """Check what can be checked without asking the server; raise what stands in the way."""
    model, server = ServerService(session, settings).find_model(create.model_id)
    if create.version_id is not None or create.parameters or create.key_name is not None:
        raise ParameterRefused(f"{model.name} takes no versions, parameters or keys.", field="parameters")
    facts = Discovered.model_validate(server.facts)
    base = base_named(facts, model.base)
    endpoint = drawing_endpoint(facts, model)
    prompt = fill_trigger(create.prompt.replace("\x00", ""), model.trigger_word)
    if not prompt:
        raise PromptMissing("It holds no words.", field="prompt")
    values: dict[str, Any] = {"prompt": prompt, "output_format": "png"}
    takes = TAKES.get(endpoint, _SIZED)
    for name in ("width", "height", "steps", "guidance"):
        value = getattr(create, name)
        if value is None:
            continue
        if name not in takes:
            raise ParameterRefused(f"{model.name} at {server.name} takes no {name}.", field=name)
        values[name] = value
    if model.kind == "finetuned":
        values |= {"finetune_id": model.remote_id, "finetune_strength": create.finetune_strength}
    elif endpoint == _STUDIO:
        values["base"] = model.remote_id
    return PlanElsewhere(
        server_id=server.id,
        model_name=f"{model.name}{SEPARATOR}{server.name}"[:120],
        base=base.name[:64],
        endpoint=endpoint,
        values=values,
        prompt=prompt,
        width=create.width or base.default_width,
        height=create.height or base.default_height,
        steps=create.steps or base.default_steps,
        guidance=base.default_guidance if create.guidance is None else create.guidance,
    )


class GenerationElsewhere(HostedGeneration):
    """One generation at a server of one's own in the worker."""

    def __init__(self, settings: Settings, blobs: Blobs, places: Places, job: JobContext, row: GenerationRow) -> None:
        assert row.hosted is not None  # noqa: S101 - asked before
        self._settings = settings
        self._blobs = blobs
        self._places = places
        self._job = job
        self._row = row
        self._values = row.hosted["values"]
        self._endpoint = endpoint_named(row.hosted["endpoint"])
        self._images = {}

    def run(self, steering: Steering) -> RunEnd:
        """Bring all lines to an end, and say how it went."""
        row = self._row
        assert row.hosted is not None  # noqa: S101 - asked before
        with self._job.transaction() as session:
            lines = [line for line in ledger.take_up(session, row.id) if line.state in ledger.OPEN]
            server = ServerService(session, self._settings).open(row.hosted["server_id"])
        limits = Limits(self._settings.hosted.deadline_seconds, self._settings.hosted.patience_seconds)
        with connecting.connect(self._settings, server) as client:
            runner = HostedRunner(client, self._endpoint, self._job.transaction, self._places, limits)
            end = runner.run(lines, self, steering)
        return self._end() if end.state in ("succeeded", "failed") else end

"""Generations with a hosted model: what is asked and what it will cost, and the images that come."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from fluxtune.backends.base import RunEnd, Steering
from fluxtune.backends.bfl.answers import TaskState
from fluxtune.backends.bfl.endpoints import PREFIX, Endpoint, find_endpoint, is_hosted, require_usable
from fluxtune.config import Settings
from fluxtune.core.errors import Conflict, JobFailed, Problem
from fluxtune.engine.captions import fill_trigger
from fluxtune.generations import features, repository
from fluxtune.generations.inputs import ParameterRefused, check_images, encode_images, named_images
from fluxtune.generations.schemas import GenerationCost, GenerationCreate, GenerationEstimate
from fluxtune.generations.tables import GenerationImageRow, GenerationRow
from fluxtune.hosted import ledger
from fluxtune.hosted.hooks import Hooks, News
from fluxtune.hosted.keys import Clients, KeyService
from fluxtune.hosted.ledger import PER_CREDIT
from fluxtune.hosted.places import Places
from fluxtune.hosted.runner import HostedRunner, Limits
from fluxtune.images import keys
from fluxtune.images.gallery import GalleryService
from fluxtune.images.schemas import GenerationFacts
from fluxtune.images.service import ImageService, StoredContent, store_content
from fluxtune.imaging.decode import reading
from fluxtune.jobs.tasks import JobContext
from fluxtune.models.deployed import DeployedModel, deployed_model, find_deployed
from fluxtune.storage import Blobs

_COMMON = ("width", "height", "steps", "guidance")
_PLACEHOLDER_PX = 1024


class GenerationUnpaid(Conflict):
    """Nothing of the generation is owed."""

    title = "There is nothing to fetch"
    action = "All its images are here, or were never paid."


@dataclass(frozen=True, slots=True)
class HostedPlan:
    """A hosted generation, checked: `each` is the estimate of one image in thousandths of a credit."""

    endpoint: Endpoint
    key_name: str
    values: dict[str, Any]
    each: int
    width: int
    height: int
    model: DeployedModel | None = None
    """The model of the catalogue it draws with, where it is known by its name at BFL."""

    @property
    def model_name(self) -> str:
        """What people call what draws."""
        return f"{self.model.name} at BFL" if self.model is not None else self.endpoint.title

    def record(self) -> dict[str, Any]:
        """Return what the worker needs of it, as JSON."""
        record: dict[str, Any] = {"endpoint": self.endpoint.name, "key_name": self.key_name, "values": self.values}
        if self.model is not None:
            known = {"id": self.model.id, "base": self.model.base, "version_id": self.model.version_id}
            record["model"] = known
        return record


def placed(session: Session, create: GenerationCreate) -> GenerationCreate:
    """Return a request as one to BFL where the model's weights are only there; any other as it is."""
    model = None if is_hosted(create.model_id) else deployed_model(session, create.model_id)
    if model is None or model.has_weights:
        return create
    if create.version_id is not None:
        raise ParameterRefused(f"“{model.name}” has no versions here.", field="version_id")
    return create.model_copy(
        update={
            "model_id": PREFIX + model.endpoint,
            "parameters": {**create.parameters, "finetune_id": model.finetune_id},
            "key_name": create.key_name or model.key_name,
        }
    )


def plan(session: Session, blobs: Blobs, settings: Settings, create: GenerationCreate) -> HostedPlan:
    """Check everything that can be checked without asking anybody; raise what stands in the way."""
    endpoint = require_usable(create.model_id)
    features.require_hosted(session, endpoint)
    if create.version_id is not None:
        raise ParameterRefused(f"{endpoint.title} has no versions.", field="version_id")
    key = KeyService(session, settings).open(create.key_name)
    values = _values(endpoint, create)
    named = values.get("finetune_id")
    model = find_deployed(session, endpoint.name, named) if isinstance(named, str) else None
    if model is not None and "prompt" in values:
        values["prompt"] = fill_trigger(values["prompt"], model.trigger_word)
    fields = named_images(endpoint, values)
    images = [image_id for ids in fields.values() for image_id in ids]
    stored = ImageService(session, blobs)
    known = stored.get_images(images)
    for image_id in images:
        if image_id not in known:
            raise ParameterRefused(f"There is no image “{image_id[:64]}”; give the id of one.", field="parameters")
        stored.check_visible(image_id)
    input_mp = sum(known[each].width * known[each].height for each in images) / (1024 * 1024)
    full = _check(endpoint, values)
    check_images(endpoint, fields, known, lambda image_id: stored.get_file(image_id).read())
    features.require_hosted_size(session, endpoint, full)
    assert endpoint.price is not None  # noqa: S101 - only retired ones have none
    width, height = _size(full)
    return HostedPlan(
        endpoint, key.name, values, ledger.to_units(endpoint.price.estimate(full, input_mp)), width, height, model
    )


def estimate(session: Session, made: HostedPlan, count: int) -> GenerationEstimate:
    """Return what a plan will cost; raise BudgetReached."""
    total = made.each * count
    price = made.endpoint.price
    assert price is not None  # noqa: S101 - only retired ones have none
    return GenerationEstimate(
        credits=total / PER_CREDIT,
        credits_each=made.each / PER_CREDIT,
        confidence=price.confidence,
        source=price.source,
        warnings=ledger.check_budget(session, total),
    )


def costs_of(session: Session, rows: list[GenerationRow]) -> dict[str, GenerationCost]:
    """Return what hosted generations cost, by their id."""
    ids = [row.id for row in rows if row.hosted is not None]
    costs = {each: GenerationCost(estimate=0.0, cost=0.0, owed=[]) for each in ids}
    for line in ledger.lines_of_targets(session, ids):
        cost = costs[line.target_id]
        cost.estimate += line.estimate / PER_CREDIT
        cost.cost += (line.cost or 0) / PER_CREDIT
        if line.state in ledger.OWED and line.sent_at is not None and line.slot not in cost.owed:
            cost.owed.append(line.slot)
    return costs


def parameters_of(row: GenerationRow) -> dict[str, Any]:
    """Return what a hosted generation asked for besides its prompt, so that it can be asked for again."""
    values = row.hosted["values"] if row.hosted is not None else {}
    return {name: value for name, value in values.items() if name != "prompt"}


def _values(endpoint: Endpoint, create: GenerationCreate) -> dict[str, Any]:
    """Return what was asked for, by BFL's names, without prompt and seed."""
    values = {name: value for name, value in create.parameters.items() if name not in ("prompt", "seed")}
    for name in _COMMON:
        value = getattr(create, name)
        if value is None:
            continue
        if name not in endpoint.fields:
            others = ", ".join(sorted(endpoint.fields & {"aspect_ratio", "resolution"}))
            more = f" It takes {others}." if others and name in ("width", "height") else ""
            raise ParameterRefused(f"{endpoint.title} takes no {name}.{more}", field=name)
        values[name] = value
    if "finetune_strength" in create.model_fields_set:
        if endpoint.takes_finetune:
            values["finetune_strength"] = create.finetune_strength
        elif create.finetune_strength != 1.0:
            raise ParameterRefused(f"{endpoint.title} has no finetune.", field="finetune_strength")
    if "prompt" in endpoint.fields:
        values["prompt"] = create.prompt.replace("\x00", "").strip()
    return values


def _check(endpoint: Endpoint, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with all defaults, as the endpoint declares them."""
    assert endpoint.parameters is not None  # noqa: S101 - only retired ones have none
    try:
        return endpoint.parameters.model_validate(dict(values)).model_dump()
    except ValidationError as error:
        found = error.errors()[0]
        name = ".".join(str(part) for part in found["loc"]) or "parameters"
        reason = {"missing": "is needed", "extra_forbidden": "is not among its parameters"}.get(found["type"])
        text = reason or str(found["msg"]).removeprefix("Value error, ")
        raise ParameterRefused(f"{endpoint.title}, {name}: {text}.", field=name) from error


def _size(values: Mapping[str, Any]) -> tuple[int, int]:
    """Return the size the image is expected to have, for its place on the screen."""
    if values.get("width") and values.get("height"):
        return int(values["width"]), int(values["height"])
    width, _, height = str(values.get("aspect_ratio") or "").partition(":")
    if not (width.isdecimal() and height.isdecimal()):
        return _PLACEHOLDER_PX, _PLACEHOLDER_PX
    ratio = (int(width) / int(height)) ** 0.5
    return round(_PLACEHOLDER_PX * ratio), round(_PLACEHOLDER_PX / ratio)


class HostedGeneration:
    """One hosted generation in the worker. What the ledger says is done is not done again."""

    def __init__(
        self, settings: Settings, blobs: Blobs, clients: Clients, places: Places, job: JobContext, row: GenerationRow
    ) -> None:
        assert row.hosted is not None  # noqa: S101 - asked before
        self._settings = settings
        self._blobs = blobs
        self._clients = clients
        self._places = places
        self._job = job
        self._row = row
        self._values: dict[str, Any] = row.hosted["values"]
        self._endpoint = find_endpoint(row.hosted["endpoint"])
        self._images: dict[str, Any] = {}

    def run(self, steering: Steering) -> RunEnd:
        """Bring all lines to an end, and say how it went."""
        row = self._row
        assert row.hosted is not None  # noqa: S101 - asked before
        if named_images(self._endpoint, self._values) and self._is_any_unsent():
            # Before anything may leave: what is not there is found out while nothing is lost.
            self._images = encode_images(self._endpoint, self._values, self._read)
        limits = Limits(self._settings.hosted.deadline_seconds, self._settings.hosted.patience_seconds)
        news = News(Hooks(self._settings), self._job.reading, row.id)
        group = row.hosted["key_name"], self._endpoint.name
        with self._places.turn(group, len(row.seeds)) as turn, self._job.transaction(durable=True) as session:
            ledger.lock(session)
            rows = ledger.take_up(session, row.id)
            key = KeyService(session, self._settings).open(row.hosted["key_name"])
            runner = HostedRunner(
                self._clients.get(key), self._endpoint, self._job.transaction, self._places, limits, news
            )
            lines = [line for line in rows if line.state in ledger.OPEN]
            waiting = [line for line in lines if line.state == "reserved"]
            turn.granted = ledger.let_rows_leave(session, waiting, turn.most).granted
        end = runner.run(lines, self, steering, turn.granted)
        return self._end() if end.state in ("succeeded", "failed") else end

    def _is_any_unsent(self) -> bool:
        """Return whether an input may be needed: what is paid for is fetched even if its input is gone."""
        with self._job.reading() as session:
            lines = ledger.newest_lines(session, self._row.id).values()
        return any(line.state == "reserved" and line.sent_at is None for line in lines)

    def _end(self) -> RunEnd:
        """Judge by the ledger: it also knows of images that went wrong before a restart."""
        with self._job.reading() as session:
            lines = ledger.newest_lines(session, self._row.id)
        problems = [line.error for line in lines.values() if line.state != "delivered"]
        if not problems:
            return RunEnd("succeeded")
        first = next((each for each in problems if each), None)
        problem = Problem.model_validate(first) if first else JobFailed("An image did not come.").problem()
        if len(lines) > 1:
            detail = f"{len(problems)} of {len(lines)} images did not come. {problem.detail}"
            problem = problem.model_copy(update={"detail": detail})
        return RunEnd("failed", error=problem)

    def _read(self, image_id: str) -> bytes:
        with self._job.reading() as session:
            file = ImageService(session, self._blobs).get_file(image_id)
        return file.read()

    def body_of(self, slot: int) -> Mapping[str, Any]:
        """Return the request of an image: what was asked for, its seed, and images as base64."""
        body = dict(self._values)
        if self._endpoint.has_seed:
            body["seed"] = self._row.seeds[slot]
        return body | self._images

    def standing(self, phase: str) -> None:
        """Show what the images are waiting for."""
        self._job.tell("job.phase", {"phase": phase, "done": None, "total": None})

    def keep(self, content: bytes) -> None:
        """Keep what was paid for before anything is made of it, so that not even a power cut takes it."""
        _keep_original(self._blobs, content)

    def deliver(self, line_id: str, slot: int, content: bytes, state: TaskState) -> None:
        """Show an image once: the image, its place and its line are one transaction."""
        with self._places.making():
            self._deliver(line_id, slot, store_content(self._blobs, content), state)

    def _deliver(self, line_id: str, slot: int, stored: StoredContent, state: TaskState) -> None:
        with self._job.transaction(durable=True) as session:
            known = repository.find_image(session, self._row.id, slot)
            if known is not None:
                ledger.set_delivered(session, line_id, known.image_id)
                return
            image = ImageService(session, self._blobs).create_image(stored, "generated")
            result = GalleryService(session).add_image(image, self._facts(slot, image.width, image.height, state))
            repository.add(session, GenerationImageRow(generation_id=self._row.id, index=slot, image_id=image.id))
            ledger.set_delivered(session, line_id, image.id)
            self._job.emit(session, "job.image_finished", {"index": slot, "result": result.model_dump(mode="json")})
            done = len(repository.list_images(session, [self._row.id])[self._row.id])
            data = {"step": done, "steps": len(self._row.seeds), "eta_s": None, "index": slot}
            self._job.emit(session, "job.progressed", data)

    def _facts(self, slot: int, width: int, height: int, state: TaskState) -> GenerationFacts:
        row = self._row
        # An image drawn with a model of the catalogue is that model's, wherever it was drawn.
        model = (row.hosted or {}).get("model") or {"id": row.model_id, "base": row.base, "version_id": None}
        seed = row.seeds[slot] if self._endpoint.has_seed else state.seed
        return GenerationFacts(
            generation_id=row.id,
            prompt=row.prompt,
            seed=row.seeds[slot] if seed is None else seed,
            model_id=model["id"],
            model_name=row.model_name,
            version_id=model["version_id"],
            base=model["base"],
            finetune_strength=row.finetune_strength,
            width=width,
            height=height,
            steps=row.steps,
            guidance=row.guidance,
        )


def _keep_original(blobs: Blobs, content: bytes) -> None:
    """Keep bytes on the disk. Raises FileRefused for what does not start like an image.

    Whether it is whole shows as soon as something is made of it, which need not be done twice.
    """
    with reading(content) as opened:
        form = str(opened.format)
    key = keys.original_key(hashlib.sha256(content).hexdigest(), form)
    blobs.put(key, content)
    file = blobs.path(key)
    if file is not None:
        with file.open("rb") as stream:
            os.fsync(stream.fileno())

"""Parity: does BFL draw with a finetune what it draws here? The same prompts and seeds, side by side.

A check is a handful of ordinary generations, half of them paid: durable jobs, with everything the ledger promises.
They are made in one transaction, so the money of all is set aside, or of none.
"""

from sqlalchemy.orm import Session

from fluxtune.backends.bfl.endpoints import Endpoint, find_endpoint
from fluxtune.backends.local.readiness import require_engine
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict, InvalidInput, NotFound
from fluxtune.core.ids import new_id
from fluxtune.deployments import repository
from fluxtune.deployments.schemas import Parity, ParityCreate, ParityEstimate, ParityPair
from fluxtune.deployments.tables import ParityRow
from fluxtune.engine.captions import fill_trigger
from fluxtune.generations.schemas import Generation, GenerationCreate
from fluxtune.generations.service import GenerationService
from fluxtune.hosted import ledger
from fluxtune.hosted.ledger import PER_CREDIT
from fluxtune.images.schemas import GalleryImage
from fluxtune.images.service import ImageService
from fluxtune.imaging.likeness import difference_of
from fluxtune.models.deployed import base_of, title_of_base
from fluxtune.models.linking import NotDeployed
from fluxtune.models.schemas import Deployment, Model
from fluxtune.models.service import ModelService, UsableModel, WeightsElsewhere
from fluxtune.storage import Blobs

LIST_LIMIT = 20
ACTIVE_STATES = ("queued", "running", "paused")


class ParityMissing(NotFound):
    """The model has no such check."""

    title = "No such parity check"
    action = "Choose one of those on the model's page."


class NothingToCompare(InvalidInput):
    """The endpoint can't draw the same as the studio."""

    title = "This endpoint can't be compared"
    action = "Link the model to one of the klein endpoints; the others need an image or take no size."


class NotUnderWay(Conflict):
    """The check has ended."""

    title = "The check has ended"
    action = "Look at it, or start another."


class ParityService:
    """Estimates, starts and shows parity checks."""

    def __init__(self, session: Session, blobs: Blobs, settings: Settings) -> None:
        self._session = session
        self._models = ModelService(session, blobs, settings)
        self._generations = GenerationService(session, blobs, settings)
        self._images = ImageService(session, blobs)

    def estimate(self, model_id: str, wish: ParityCreate) -> ParityEstimate:
        """Return what a check costs; raise what stands in its way, a budget for one."""
        made = self._plan(model_id, wish)
        each = [self._generations.estimate_generation(there) for _, there in made]
        total = ledger.to_units(sum(part.credits for part in each))
        return ParityEstimate(
            images=len(each) * wish.count,
            credits=total / PER_CREDIT,
            source=each[0].source,
            warnings=ledger.check_budget(self._session, total),
        )

    def start(self, model_id: str, wish: ParityCreate) -> Parity:
        """Queue the images of both places."""
        made = self._plan(model_id, wish)
        require_engine()
        # Budgets for one request mean the check as a whole.
        self.estimate(model_id, wish)
        parts = [
            {
                "prompt": here.prompt,
                "here": self._generations.create_generation(here).id,
                "there": self._generations.create_generation(there).id,
            }
            for here, there in made
        ]
        model = self._models.get_model(model_id)
        deployment = _deployment(model)
        row = ParityRow(
            id=new_id(), model_id=model.id, endpoint=find_endpoint(deployment.hosted_model_id).name,
            finetune_id=deployment.finetune_id, strength=wish.strength, width=made[0][0].width or 0,
            height=made[0][0].height or 0, parts=parts, created_at=now(),
        )  # fmt: skip
        repository.add(self._session, row)
        return self._show(row, model)

    def list_parities(self, model_id: str) -> list[Parity]:
        """Return the checks of a model, newest first."""
        model = self._models.require_finetuned(model_id)
        return [self._show(row, model) for row in repository.list_parities(self._session, model_id, LIST_LIMIT)]

    def get_parity(self, model_id: str, parity_id: str) -> Parity:
        """Return one check."""
        return self._show(self._row(model_id, parity_id), self._models.require_finetuned(model_id))

    def cancel(self, model_id: str, parity_id: str) -> Parity:
        """End what is not drawn yet; what BFL has accepted already is paid, and still comes."""
        row = self._row(model_id, parity_id)
        active = [each for each in self._generations_of(row) if each.state in ACTIVE_STATES]
        if not active:
            raise NotUnderWay("All its images have come, or won't.")
        for each in active:
            self._generations.cancel_generation(each.id)
        return self.get_parity(model_id, parity_id)

    def _row(self, model_id: str, parity_id: str) -> ParityRow:
        row = repository.find_parity(self._session, model_id, parity_id)
        if row is None:
            raise ParityMissing(f"There is no parity check “{parity_id[:64]}”.")
        return row

    def _plan(self, model_id: str, wish: ParityCreate) -> list[tuple[GenerationCreate, GenerationCreate]]:
        """Return, for each prompt, what to draw here and at BFL."""
        model = self._models.require_finetuned(model_id)
        deployment = _deployment(model)
        if not model.versions:
            raise WeightsElsewhere(f"“{model.name}” can be drawn at BFL only: there is nothing here to compare with.")
        usable = self._models.require_usable(model_id, deployment.version_id)
        endpoint = find_endpoint(deployment.hosted_model_id)
        if endpoint.needs_image or not {"width", "height", "seed"} <= endpoint.fields:
            raise NothingToCompare(f"{endpoint.title} does not draw from a prompt, a size and a seed alone.")
        prompts = wish.prompts or model.prompts[:2] or [model.trigger_word or model.name]
        texts = [fill_trigger(prompt.replace("\x00", ""), usable.trigger_word) for prompt in prompts]
        return [_requests(text, wish, usable, endpoint, deployment) for text in texts]

    def _generations_of(self, row: ParityRow) -> list[Generation]:
        return [self._generations.get_generation(part[place]) for part in row.parts for place in ("here", "there")]

    def _show(self, row: ParityRow, model: Model) -> Parity:
        found = self._generations_of(row)
        pairs = [
            pair
            for part, here, there in zip(row.parts, found[::2], found[1::2], strict=True)
            for pair in self._pairs(part["prompt"], here, there)
        ]
        problems = [each.error for each in found if each.error is not None]
        costs = [each.cost for each in found if each.cost is not None]
        return Parity.model_validate(
            {
                "id": row.id,
                "model_id": row.model_id,
                "finetune_id": row.finetune_id,
                "hosted_title": find_endpoint(row.endpoint).title,
                "strength": row.strength,
                "width": row.width,
                "height": row.height,
                "state": _state(found),
                "pairs": pairs,
                "differences": differences(model.base, find_endpoint(row.endpoint), found[0]),
                "estimate": sum(cost.estimate for cost in costs),
                "cost": sum(cost.cost for cost in costs),
                "generation_ids": [each.id for each in found],
                "error": problems[0] if problems else None,
                "created_at": row.created_at,
            }
        )

    def _pairs(self, prompt: str, here: Generation, there: Generation) -> list[ParityPair]:
        ours = {slot.index: slot.result for slot in here.slots}
        theirs = {slot.index: slot.result for slot in there.slots}
        seeds = {slot.index: slot.seed for slot in (*there.slots, *here.slots)}
        return [self._pair(prompt, seeds[index], ours.get(index), theirs.get(index)) for index in sorted(seeds)]

    def _pair(self, prompt: str, seed: int, ours: GalleryImage | None, theirs: GalleryImage | None) -> ParityPair:
        edges = colour = None
        says = "Not both images are here."
        if ours is not None and theirs is not None:
            prints = self._images.get_fingerprints([ours.image.id, theirs.image.id])
            apart = difference_of(prints[ours.image.id], prints[theirs.image.id])
            edges, colour = round(apart.edges * 100, 1), round(apart.colour, 1)
            says = f"Edges differ in {edges:g} of 100 places, colours by {colour:g} of 255 on average."
        return ParityPair(prompt=prompt, seed=seed, here=ours, there=theirs, edges=edges, colour=colour, says=says)


def differences(base: str, endpoint: Endpoint, here: Generation) -> list[str]:
    """Say in words what may make images differ though the finetune is the same."""
    hosted = base_of(endpoint)
    found = []
    if hosted != base:
        found.append(
            f"Another base: here {title_of_base(base)}, at BFL {title_of_base(hosted)}. Expect other pictures; "
            "what the finetune learned should show in both."
        )
    eight = "" if "bf16" in endpoint.name else ", while BFL serves this endpoint with 8-bit weights (FP8)"
    found += [
        f"Precision: here the weights are used as this computer's engine loads them{eight}.",
        "Noise: a seed is a number for a random generator. Another program, or another GPU, makes other noise of it, "
        "so another composition says nothing against the finetune.",
        f"Sampler: here {here.steps} steps with guidance {here.guidance:g}; BFL does not say what it uses.",
        "BFL checks what it draws, may refuse it, and hands images out as JPEG: edges and colours change a little.",
    ]
    return found


def _requests(
    prompt: str, wish: ParityCreate, usable: UsableModel, endpoint: Endpoint, deployment: Deployment
) -> tuple[GenerationCreate, GenerationCreate]:
    width, height = wish.width or usable.base.default_width, wish.height or usable.base.default_height
    shared = {"prompt": prompt, "count": wish.count, "seed": wish.seed, "width": width, "height": height}
    here = GenerationCreate.model_validate(
        shared | {"model_id": usable.id, "version_id": usable.version_id, "finetune_strength": wish.strength}
    )
    there = GenerationCreate.model_validate(
        shared
        | {
            "model_id": endpoint.model_id,
            "finetune_strength": wish.strength,
            "key_name": deployment.key_name,
            "parameters": {"finetune_id": deployment.finetune_id},
        }
    )
    return here, there


def _deployment(model: Model) -> Deployment:
    if model.deployment is None:
        raise NotDeployed(f"“{model.name}” has no name at BFL.")
    return model.deployment


def _state(found: list[Generation]) -> str:
    states = {each.state for each in found}
    if states & set(ACTIVE_STATES):
        return "running"
    return next((state for state in ("failed", "cancelled") if state in states), "succeeded")

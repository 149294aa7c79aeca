"""Finetunes: plan, start, look, throw away. Steering, going on and what runs say are in files of their own."""

from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.backends.local import readiness
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.core.ids import new_id
from fluxtune.core.text import clean_text
from fluxtune.datasets.concepts import list_concepts
from fluxtune.datasets.schemas import Dataset
from fluxtune.datasets.service import DatasetInTrash, DatasetService
from fluxtune.datasets.snapshot import SnapshotService
from fluxtune.engine.bases import BaseDescription, require_trainable
from fluxtune.engine.captions import PLACEHOLDER
from fluxtune.engine.config import Recipe
from fluxtune.engine.estimate import describe_machine
from fluxtune.finetunes import repository
from fluxtune.finetunes.continuing import FinetuneContinuing
from fluxtune.finetunes.errors import FinetuneActive, NotElsewhere
from fluxtune.finetunes.features import require_settings
from fluxtune.finetunes.planning import Choices, MeasuredRun, choose_recipe, make_plan, make_plan_elsewhere
from fluxtune.finetunes.probing import ProbeService
from fluxtune.finetunes.readings import FinetuneReadings
from fluxtune.finetunes.schemas import Finetune, FinetuneCreate, FinetunePlan, Probe
from fluxtune.finetunes.sending import notes_elsewhere, plain_recipe
from fluxtune.finetunes.steering import FinetuneSteering
from fluxtune.finetunes.tables import FinetuneRow
from fluxtune.jobs import service as jobs
from fluxtune.models.service import ModelService
from fluxtune.quotas import service as quotas
from fluxtune.recipes.service import TemplateService
from fluxtune.servers.errors import NotThere
from fluxtune.servers.models import base_named, bases_of
from fluxtune.servers.service import ServerService
from fluxtune.sharing import service as sharing
from fluxtune.storage import Blobs
from fluxtune.webhooks.addresses import check_url

SAMPLE_PROMPTS = 4
MEASURED_RUNS = 10


class FinetuneService(FinetuneReadings, FinetuneSteering, FinetuneContinuing):
    """Everything a user does with finetunes. What the worker does is in `tasks.py`."""

    def __init__(self, session: Session, blobs: Blobs, settings: Settings) -> None:
        super().__init__(session, blobs, settings)
        self._datasets = DatasetService(session, blobs)
        self._snapshots = SnapshotService(session, blobs)
        self._models = ModelService(session, blobs, settings)
        self._probes = ProbeService(session)
        self._servers = ServerService(session, settings)

    def as_allowed(self, create: FinetuneCreate) -> FinetuneCreate:
        """Return what somebody asks for if the features that are on for them allow it; raise `FlagOff`."""
        require_settings(self._session, create.recipe)
        return create

    def plan(self, create: FinetuneCreate) -> FinetunePlan:
        """Return what a finetune would do and cost, before it starts."""
        dataset = self._datasets.get_dataset(create.dataset_id)
        choices = self._choices(create, dataset)
        if create.server_id is not None:
            server = self._servers.get_server(create.server_id)
            return make_plan_elsewhere(
                choices,
                dataset,
                self._datasets.check(dataset.id),
                [(entry.image.width, entry.image.height) for entry in self._datasets.list_images(dataset.id)],
                server.name,
                notes_elsewhere(server, choose_recipe(choices)[0]),
            )
        return make_plan(
            choices,
            dataset,
            self._datasets.check(dataset.id),
            [(entry.image.width, entry.image.height) for entry in self._datasets.list_images(dataset.id)],
            describe_machine(self._paths.data),
            [_measured(row) for row in repository.list_measured(self._session, choices.base.name, MEASURED_RUNS)],
            self._probes.find_newest,
            jobs.count_waiting(self._session),
        )

    def create_finetune(self, create: FinetuneCreate) -> Finetune:
        """Freeze the dataset and queue the run; everything that can be wrong is said here, before anything waits."""
        dataset, choices, recipe = self._ready(create)
        if create.webhook_url is not None:
            check_url(create.webhook_url, allow_private=self._settings.webhooks.allow_private)
        manifest = self._snapshots.freeze(dataset.id)
        finetune_id = new_id()
        name = self._free_name(clean_text(create.name or "") or dataset.name)
        server = self._servers.get_server(create.server_id) if create.server_id is not None else None
        quotas.begin_finetune(self._session)
        sharing.own(self._session, "finetune", finetune_id)
        job = jobs.enqueue(
            self._session,
            "finetune",
            finetune_id,
            f"Finetune “{name}”" + (f" at {server.name}" if server else ""),
            {},
            steps=recipe.steps,
            lane="network" if server else "device",
        )
        secret = create.webhook_secret.get_secret_value() if create.webhook_secret and create.webhook_url else None
        row = FinetuneRow(
            id=finetune_id,
            job_id=job.id,
            name=name,
            dataset_id=dataset.id,
            dataset_name=dataset.name,
            snapshot=manifest.model_dump(mode="json"),
            snapshot_hash=manifest.hash,
            image_count=len(manifest.images),
            base=choices.base.name,
            mode=choices.mode,
            quality=choices.quality,
            trigger_word=choices.trigger_word,
            recipe=recipe.model_dump(mode="json"),
            server_id=server.id if server else None,
            server_name=server.name if server else None,
            webhook_url=create.webhook_url,
            webhook_secret=self._settings.secrets.seal(secret) if secret is not None else None,
            created_at=now(),
        )
        repository.add(self._session, row)
        after = {"dataset_id": row.dataset_id, "base": row.base, "quality": row.quality}
        audit.record(self._session, "finetune.started", "finetune", row.id, after=after, name=row.name)
        return self._show_one(row)

    def create_probe(self, create: FinetuneCreate) -> Probe:
        """Queue a few real steps of what `create` would start, to measure what they take."""
        if create.server_id is not None:
            raise NotElsewhere("Only what trains on this computer can be measured beforehand.")
        dataset, choices, recipe = self._ready(create)
        return self._probes.create_probe(choices, recipe, self._snapshots.freeze(dataset.id))

    def list_finetunes(self, deleted: bool = False) -> list[Finetune]:
        """Return the finetunes in or outside the trash, newest first."""
        return self._show(repository.list_finetunes(self._session, deleted))

    def get_finetune(self, finetune_id: str) -> Finetune:
        """Return one finetune, also from the trash."""
        return self._show_one(self._row(finetune_id))

    def delete_finetune(self, finetune_id: str) -> None:
        """Put a finetune that has ended into the trash; its model stays."""
        row = self._row(finetune_id)
        state = self._job(row).state
        if state in ("queued", "running", "paused"):
            raise FinetuneActive(f"“{row.name}” is {state}.")
        if row.deleted_at is None:
            row.deleted_at = now()
            audit.record(self._session, "finetune.deleted", "finetune", row.id, name=row.name)

    def restore_finetune(self, finetune_id: str) -> Finetune:
        """Take a finetune out of the trash."""
        row = self._row(finetune_id)
        if row.deleted_at is not None:
            row.deleted_at = None
            audit.record(self._session, "finetune.restored", "finetune", row.id, name=row.name)
        return self._show_one(row)

    def _ready(self, create: FinetuneCreate) -> tuple[Dataset, Choices, Recipe]:
        """Return what to train on, what was chosen and the complete recipe, once nothing stands in the way."""
        dataset = self._datasets.get_dataset(create.dataset_id)
        if dataset.deleted_at is not None:
            raise DatasetInTrash(f"“{dataset.name}” was put into the trash.")
        choices = self._choices(create, dataset)
        recipe, _ = choose_recipe(choices)
        if create.server_id is not None:
            require_trainable(choices.base)
            facts = self._servers.facts_of(create.server_id)
            return dataset, choices, recipe if facts.can("recipe") else plain_recipe(recipe)
        require_trainable(self._models.require_base(choices.base.name))
        readiness.require_engine()
        return dataset, choices, recipe

    def _choices(self, create: FinetuneCreate, dataset: Dataset) -> Choices:
        """Return what was chosen: what is given goes before the template, that before the studio's defaults."""
        given = create.model_fields_set
        template = TemplateService(self._session).get_template(create.template_id) if create.template_id else None
        mode = create.mode or (template.mode if template is not None else None) or dataset.mode
        usual = self._settings.defaults.of(mode)
        base, quality, overrides = create.base, create.quality, create.recipe
        if "base" not in given:
            base = (template.base if template is not None else None) or usual.base or base
        if "quality" not in given:
            quality = (template.quality if template is not None else None) or usual.quality
        if template is not None:
            overrides = {**template.recipe, **overrides}
        trigger_word = dataset.trigger_word if create.trigger_word is None else clean_text(create.trigger_word)
        return Choices(
            mode=mode,
            quality=quality,
            base=self._base(create, base, is_chosen="base" in given or (template is not None and bool(template.base))),
            trigger_word=trigger_word,
            image_count=dataset.image_count,
            preset=usual.recipe,
            overrides=overrides,
            prompts=_concept_prompts(dataset),
        )

    def _base(self, create: FinetuneCreate, name: str, *, is_chosen: bool) -> BaseDescription:
        """Return the base to train, as it is here or at a server; a server chooses where nobody has."""
        if create.server_id is None:
            return self._models.get_base(name)
        facts = self._servers.facts_of(create.server_id)
        known = bases_of(facts)
        if not known:
            return base_named(facts, "")
        wanted = name if is_chosen else facts.usual_base or name
        if wanted not in known:
            raise NotThere(f"There is no base “{wanted[:64]}” there; there are: {', '.join(known)}.", field="base")
        return known[wanted]


def _measured(row: FinetuneRow) -> MeasuredRun:
    return MeasuredRun(
        recipe=Recipe.model_validate(row.recipe),
        device=row.device,
        seconds=row.seconds or 0.0,
        seconds_per_step=row.seconds_per_step or 0.0,
        peak_memory_bytes=row.peak_memory_bytes,
        steps_done=row.steps_done,
    )


def _concept_prompts(dataset: Dataset) -> list[str]:
    """Return a sample concept's own prompts, so that its run shows what they promise."""
    concept = next((item for item in list_concepts() if item.name == dataset.sample), None)
    if concept is None:
        return []
    return [prompt.replace(concept.trigger_word, PLACEHOLDER) for prompt in concept.prompts[:SAMPLE_PROMPTS]]

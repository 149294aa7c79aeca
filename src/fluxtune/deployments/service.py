"""Models at BFL: linked by the name they have there, looked up, unlinked, and added by that name alone.

BFL is asked between transactions, never within one: nobody waits for its answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fluxtune.backends.bfl.client import BflClient
from fluxtune.backends.bfl.endpoints import find_endpoint, require_usable
from fluxtune.backends.bfl.finetunes import Known, list_finetunes, look_up
from fluxtune.config import Settings
from fluxtune.core.errors import NotFound
from fluxtune.core.text import clean_text
from fluxtune.db import Database
from fluxtune.deployments.schemas import DeployedName, DeploymentLink, HostedFinetunes, HostedImport
from fluxtune.flags import service as flags
from fluxtune.generations.schemas import Generation, GenerationCreate
from fluxtune.generations.service import GenerationMissing, GenerationService
from fluxtune.hosted.keys import KeyService, OpenKey, open_client
from fluxtune.models.deployed import NoFinetunesThere, base_of, choose_endpoint, list_deployed
from fluxtune.models.linking import Links, LinkState, NotDeployed
from fluxtune.models.schemas import Deployment, Model
from fluxtune.models.service import ModelService, NewModel
from fluxtune.storage import Blobs

T = TypeVar("T")
PROBE_PX = 512
LIST_LIMIT = 500
MODES = ("character", "product", "style", "general")
_STATES: dict[str, LinkState] = {"found": "found", "missing": "missing", "unknown": "linked"}


class FinetuneUnlisted(NotFound):
    """BFL lists the account's finetunes, and this is none of them."""

    title = "BFL does not list this finetune"
    action = "Check its name in the Dashboard; one that was shared is called organisation/name. Or add it anyway."


@dataclass(frozen=True, slots=True)
class Deployments:
    """Everything one does with models at BFL, besides drawing."""

    database: Database
    blobs: Blobs
    settings: Settings

    def link(self, model_id: str, wish: DeploymentLink) -> Model:
        """Say what a model is called at BFL."""
        with self.database.transaction() as session:
            flags.require(session, "hosted-backends")
            models = ModelService(session, self.blobs, self.settings)
            model = models.require_finetuned(model_id)
            if wish.key_name is not None:
                KeyService(session, self.settings).open(wish.key_name)
            endpoint = choose_endpoint(model.base, wish.endpoint)
            Links(session).link(model, endpoint, wish.finetune_id, wish.version_id, wish.key_name)
            return models.get_model(model_id)

    def unlink(self, model_id: str) -> None:
        """Forget the name; at BFL nothing changes."""
        with self.database.transaction() as session:
            Links(session).unlink(ModelService(session, self.blobs, self.settings).require_finetuned(model_id))

    def look_up(self, model_id: str) -> Model:
        """Ask BFL whether it knows the name, for free; what drawing with it has shown counts first."""
        with self.database.reading() as session:
            flags.require(session, "hosted-backends")
            deployment = self._deployment(ModelService(session, self.blobs, self.settings), model_id)
            shown = self._shown_by(GenerationService(session, self.blobs, self.settings), deployment)
            key = KeyService(session, self.settings).open(deployment.key_name)
        said = self._ask(key, lambda client: look_up(client, deployment.finetune_id))
        if shown is not None and said.answer != "found":
            said = Known(shown.answer, shown.told, said.details)
        with self.database.transaction() as session:
            Links(session).note(model_id, _STATES[said.answer], said.told, said.details)
            return ModelService(session, self.blobs, self.settings).get_model(model_id)

    def probe(self, model_id: str) -> Generation:
        """Draw one small image at BFL, which is paid: the surest way to know that a finetune answers."""
        with self.database.transaction() as session:
            models = ModelService(session, self.blobs, self.settings)
            deployment = self._deployment(models, model_id)
            create = probe_request(models.get_model(model_id), deployment)
            made = GenerationService(session, self.blobs, self.settings).create_generation(create)
            Links(session).probing(model_id, made.id)
            return made

    def list_deployed(self) -> list[DeployedName]:
        """Return the models that have a name at BFL. Asks nobody."""
        with self.database.reading() as session:
            return [
                DeployedName(
                    finetune_id=each.finetune_id,
                    hosted_model_id=find_endpoint(each.endpoint).model_id,
                    model_id=each.id,
                    name=each.name,
                    trigger_word=each.trigger_word,
                )
                for each in list_deployed(session, LIST_LIMIT)
            ]

    def list_at_bfl(self, key_name: str | None) -> HostedFinetunes:
        """Ask BFL which finetunes an account has."""
        with self.database.reading() as session:
            flags.require(session, "hosted-backends")
            key = KeyService(session, self.settings).open(key_name)
        names = self._ask(key, list_finetunes)
        with self.database.reading() as session:
            known = ModelService(session, self.blobs, self.settings).names_at_bfl(names or [])
        told = "BFL lists these." if names else "BFL lists none." if names is not None else "BFL does not list any."
        return HostedFinetunes(names=names, known=known, told=told)

    def add(self, wish: HostedImport) -> Model:
        """Add a finetune that lives at BFL only."""
        endpoint = require_usable(wish.endpoint)
        if not endpoint.takes_finetune:
            raise NoFinetunesThere(f"{endpoint.title} draws with no finetune.", field="endpoint")
        with self.database.reading() as session:
            flags.require(session, "hosted-backends")
            Links(session).refuse_taken(endpoint, wish.finetune_id)
            key = KeyService(session, self.settings).open(wish.key_name)
        said = self._ask(key, lambda client: look_up(client, wish.finetune_id))
        if said.answer == "missing" and not wish.anyway:
            raise FinetuneUnlisted(said.told, field="finetune_id")
        details = said.details
        mode = details.get("mode", "")
        trigger_word = clean_text(wish.trigger_word or details.get("trigger_word", ""))[:60]
        name = clean_text(wish.name or details.get("finetune_comment", "") or wish.finetune_id.rpartition("/")[2])[:110]
        made = NewModel(
            finetune_id=None, dataset_id=None, name=name, base=base_of(endpoint),
            mode=mode if mode in MODES else "general", trigger_word=trigger_word, prompts=[trigger_word or name],
            description=f"A finetune at BFL, called {wish.finetune_id} there.", cover_image_id=None, step=0,
        )  # fmt: skip
        with self.database.transaction() as session:
            models = ModelService(session, self.blobs, self.settings)
            model = models.create_model(made, None)
            links = Links(session)
            links.link(model, endpoint, wish.finetune_id, None, wish.key_name)
            links.note(model.id, _STATES[said.answer], said.told, details)
            return models.get_model(model.id)

    def _deployment(self, models: ModelService, model_id: str) -> Deployment:
        model = models.require_finetuned(model_id)
        if model.deployment is None:
            raise NotDeployed(f"“{model.name}” has no name at BFL.")
        return model.deployment

    def _shown_by(self, generations: GenerationService, deployment: Deployment) -> Known | None:
        """Return what the image that was drawn to see it has shown."""
        if deployment.probe_id is None:
            return None
        try:
            probe = generations.get_generation(deployment.probe_id)
        except GenerationMissing:
            return None
        if probe.state == "succeeded":
            return Known("found", "An image was drawn with it.")
        if probe.state != "failed" or probe.error is None:
            return None
        told = f"Drawing an image with it failed: {probe.error.title}. {probe.error.detail}"
        is_missing = "not found" in probe.error.detail.casefold()
        return Known("missing" if is_missing else "unknown", told)

    def _ask(self, key: OpenKey, question: Callable[[BflClient], T]) -> T:
        with open_client(self.settings, key) as client:
            return question(client)


def probe_request(model: Model, deployment: Deployment) -> GenerationCreate:
    """Return the cheapest request that shows whether a finetune answers."""
    endpoint = find_endpoint(deployment.hosted_model_id)
    side = PROBE_PX if "width" in endpoint.fields else None
    return GenerationCreate(
        model_id=endpoint.model_id,
        prompt=model.prompts[0] if model.prompts else model.trigger_word or model.name,
        count=1,
        key_name=deployment.key_name,
        parameters={"finetune_id": deployment.finetune_id},
        width=side,
        height=side,
    )

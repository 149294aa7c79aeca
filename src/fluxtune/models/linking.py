"""Changes where models are at BFL. Asks nobody: what BFL says is told to it."""

from collections.abc import Mapping
from typing import Literal

from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.backends.bfl.endpoints import Endpoint
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict, NotFound
from fluxtune.models import repository
from fluxtune.models.schemas import Model
from fluxtune.models.service import ModelInTrash, VersionMissing
from fluxtune.models.tables import DeploymentRow, ModelRow

LinkState = Literal["linked", "found", "missing"]
NOT_ASKED = "Its name was entered; BFL has not been asked yet."


class NotDeployed(NotFound):
    """The model has no name at BFL."""

    title = "The model is not linked to BFL"
    action = "Link it first: Deploy to BFL on its page, or `fluxtune model link`."


class NameLinked(Conflict):
    """Another model has this name at BFL."""

    title = "Another model is linked to this name"
    action = "Unlink that one first, or put it into the trash."


class NothingHere(Conflict):
    """A model that is only known by its name at BFL can't be unlinked."""

    title = "Nothing would be left of the model"
    action = "Put it into the trash instead."


class Links:
    """Links, unlinks, and notes what BFL said."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def link(
        self, model: Model, endpoint: Endpoint, finetune_id: str, version_id: str | None, key_name: str | None
    ) -> None:
        """Say what a model is called at BFL; a model has one name there, a name one model."""
        if model.deleted_at is not None:
            raise ModelInTrash(f"“{model.name}” was put into the trash.")
        if version_id is not None and all(version.id != version_id for version in model.versions):
            raise VersionMissing(f"“{model.name}” has no version “{version_id[:64]}”.", field="version_id")
        self.refuse_taken(endpoint, finetune_id, model.id)
        row = repository.find_deployment(self._session, model.id)
        if row is None:
            row = DeploymentRow(
                model_id=model.id, endpoint=endpoint.name, finetune_id=finetune_id, state="linked", since=now(),
                told=NOT_ASKED, details={}, created_at=now(),
            )  # fmt: skip
            repository.add(self._session, row)
        elif (row.endpoint, row.finetune_id, row.key_name) != (endpoint.name, finetune_id, key_name):
            row.endpoint, row.finetune_id, row.probe_id, row.checked_at = endpoint.name, finetune_id, None, None
            row.state, row.since, row.told, row.details = "linked", now(), NOT_ASKED, {}
        row.key_name = key_name
        row.version_id = version_id or model.default_version_id
        after = {"endpoint": endpoint.name, "finetune_id": finetune_id, "key_name": key_name}
        audit.record(self._session, "model.linked", "model", model.id, after=after, name=model.name)

    def refuse_taken(self, endpoint: Endpoint, finetune_id: str, model_id: str | None = None) -> None:
        """Raise NameLinked where another model has the name at this endpoint."""
        for deployment, other in repository.find_deployed(self._session, finetune_id):
            if other.id != model_id and deployment.endpoint == endpoint.name:
                raise NameLinked(f"“{other.name}” is “{finetune_id}” at BFL.", field="finetune_id")

    def unlink(self, model: Model) -> None:
        """Forget the name; at BFL nothing changes."""
        row = self._row(model.id)
        if not model.versions:
            raise NothingHere(f"The weights of “{model.name}” are not here.")
        repository.remove_deployment(self._session, row)
        before = {"endpoint": row.endpoint, "finetune_id": row.finetune_id}
        audit.record(self._session, "model.unlinked", "model", model.id, before, name=model.name)

    def note(self, model_id: str, state: LinkState, told: str, details: Mapping[str, str]) -> None:
        """Store what BFL said just now."""
        row = self._row(model_id)
        if row.state != state:
            row.state, row.since = state, now()
        row.told, row.checked_at = told, now()
        row.details = dict(details) or row.details

    def probing(self, model_id: str, generation_id: str) -> None:
        """Store which generation is to show whether the finetune answers."""
        self._row(model_id).probe_id = generation_id

    def _row(self, model_id: str) -> DeploymentRow:
        row = repository.find_deployment(self._session, model_id)
        if row is None:
            found: ModelRow | None = repository.find_model(self._session, model_id)
            raise NotDeployed(f"“{found.name if found else model_id[:64]}” has no name at BFL.")
        return row

"""Models at BFL: which endpoint draws with a finetune of which base, and what a link says."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from fluxtune.backends.bfl.endpoints import ENDPOINTS, PREFIX, Endpoint, find_endpoint
from fluxtune.core.errors import InvalidInput
from fluxtune.engine.known_bases import known_base
from fluxtune.models import repository
from fluxtune.models.schemas import Deployment, DeploymentEndpoint
from fluxtune.models.tables import DeploymentRow

_KLEIN_4B = ("flux-2-klein-base-4b-finetuned", "flux-2-klein-4b-finetuned")
_KLEIN_9B = (
    "flux-2-klein-base-9b-finetuned",
    "flux-2-klein-9b-finetuned",
    "flux-2-klein-9b-kv-finetuned",
    "flux-2-klein-9b-kv-bf16-finetuned",
)
ENDPOINTS_OF: dict[str, tuple[str, ...]] = {
    "flux2-klein-base-4b": _KLEIN_4B,
    "flux2-klein-4b": _KLEIN_4B[::-1],
    "flux2-klein-base-9b": _KLEIN_9B,
    "flux2-klein-9b": (_KLEIN_9B[1], _KLEIN_9B[0], *_KLEIN_9B[2:]),
}
_BASES = {
    "flux-2-klein-base-4b-finetuned": "flux2-klein-base-4b",
    "flux-2-klein-4b-finetuned": "flux2-klein-4b",
    "flux-2-klein-base-9b-finetuned": "flux2-klein-base-9b",
    "flux-2-klein-9b-finetuned": "flux2-klein-9b",
    "flux-2-klein-9b-kv-finetuned": "flux2-klein-9b",
    "flux-2-klein-9b-kv-bf16-finetuned": "flux2-klein-9b",
    "flux-pro-1.1-ultra-finetuned": "flux1-pro",
    "flux-pro-1.0-fill-finetuned": "flux1-pro",
}


class NoFinetunesThere(InvalidInput):
    """The endpoint draws with no finetune, or not with one of this base."""

    title = "This endpoint draws with no finetune of that base"
    action = "Choose an endpoint that ends in -finetuned and is of the model's base."


@dataclass(frozen=True, slots=True)
class DeployedModel:
    """A model of the catalogue that has a name at BFL."""

    id: str
    name: str
    base: str
    version_id: str | None
    trigger_word: str
    endpoint: str
    finetune_id: str
    key_name: str | None
    has_weights: bool


def finetuned_endpoints(base: str) -> list[Endpoint]:
    """Return the endpoints that draw with a finetune of a base, the likest to it first; all of them for another."""
    names = ENDPOINTS_OF.get(base)
    if names is not None:
        return [find_endpoint(name) for name in names]
    return [each for each in ENDPOINTS if each.is_usable and each.takes_finetune]


def endpoint_choices(base: str) -> list[DeploymentEndpoint]:
    """Return them as the API shows them."""
    return [
        DeploymentEndpoint(
            id=each.model_id, title=each.title, price=each.price.estimate({}) if each.price is not None else None
        )
        for each in finetuned_endpoints(base)
    ]


def choose_endpoint(base: str, wish: str) -> Endpoint:
    """Return the endpoint somebody names, else the likest to the base; raise NoFinetunesThere."""
    choices = finetuned_endpoints(base)
    if not wish and base in ENDPOINTS_OF:
        return choices[0]
    names = ", ".join(each.model_id for each in choices)
    if not wish:
        raise NoFinetunesThere(f"BFL hosts no {base}; name the endpoint: {names}.", field="endpoint")
    for each in choices:
        if each.name == wish.removeprefix(PREFIX):
            return each
    raise NoFinetunesThere(f"{wish[:64]} is none of {names}.", field="endpoint")


def base_of(endpoint: Endpoint) -> str:
    """Return the base an endpoint draws with."""
    return _BASES[endpoint.name]


def title_of_base(name: str) -> str:
    """Return what people call a base."""
    known = known_base(name)
    return known.title if known is not None else name


def to_deployment(row: DeploymentRow) -> Deployment:
    """Return a link as the API shows it."""
    endpoint = find_endpoint(row.endpoint)
    return Deployment.model_validate(
        {
            "finetune_id": row.finetune_id,
            "hosted_model_id": endpoint.model_id,
            "title": endpoint.title,
            "key_name": row.key_name,
            "state": row.state,
            "since": row.since,
            "checked_at": row.checked_at,
            "told": row.told,
            "details": row.details,
            "version_id": row.version_id,
            "probe_id": row.probe_id,
            "price": endpoint.price.estimate({}) if endpoint.price is not None else None,
            "created_at": row.created_at,
        }
    )


def find_deployed(session: Session, endpoint: str, finetune_id: str) -> DeployedModel | None:
    """Return the model of the catalogue that a request to BFL means, if there is one."""
    found = repository.find_deployed(session, finetune_id)
    exact = [each for each in found if each[0].endpoint == endpoint]
    for deployment, model in (*exact, *found):
        return _deployed(session, model.id, deployment)
    return None


def list_deployed(session: Session, limit: int) -> list[DeployedModel]:
    """Return the models of the catalogue that have a name at BFL and the actor may see, the newest link first."""
    found = [_deployed(session, model.id, deployment) for deployment, model in repository.list_deployed(session, limit)]
    return [each for each in found if each is not None]


def deployed_model(session: Session, model_id: str) -> DeployedModel | None:
    """Return where a model of the catalogue is at BFL."""
    deployment = repository.find_deployment(session, model_id)
    return _deployed(session, model_id, deployment) if deployment is not None else None


def _deployed(session: Session, model_id: str, deployment: DeploymentRow) -> DeployedModel | None:
    model = repository.find_model(session, model_id)
    if model is None or model.deleted_at is not None:
        return None
    return DeployedModel(
        model.id,
        model.name,
        model.base,
        deployment.version_id,
        model.trigger_word,
        deployment.endpoint,
        deployment.finetune_id,
        deployment.key_name,
        bool(repository.list_versions(session, [model.id])[model.id]),
    )

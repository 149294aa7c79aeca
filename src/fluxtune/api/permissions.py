"""The permission table: every route has one rule, roles hold rules, and every route is guarded by its own.

A new route needs its line in `RULES`; without one it is closed to everybody, and a test fails.
"""

from collections.abc import Iterable
from typing import Literal

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fluxtune.core.actor import ROLES, Actor, Role, acting
from fluxtune.core.errors import NotAllowed

Rule = Literal["open", "self", "read", "create", "train", "administer"]
"""open: to everybody, signed in or not; self: one's own sessions, password and tokens, never by a token;
read: see; create: datasets, captions, images; train: finetunes and models; administer: people, keys, settings."""

GRANTS: dict[Role, tuple[Rule, ...]] = {
    "viewer": ("self", "read"),
    "creator": ("self", "read", "create"),
    "trainer": ("self", "read", "create", "train"),
    "administrator": ("self", "read", "create", "train", "administer"),
}
CONTRACT = "/v1"
"""What lies under here is BFL's API: programs show a token as `x-key`, and errors look as they do there."""
CONTRACT_SCOPE = "v1"
"""The scope of a token that is good for everything under `/v1` which its owner may, and for nothing else."""

RULES: dict[str, Rule] = {
    # Nobody has to be known for these; each checks what it is given itself.
    "GET /healthz": "open",
    "GET /readyz": "open",
    "POST /hooks/bfl/{line_id}/{token}": "open",
    "POST /api/session": "open",
    "POST /api/session/password": "open",
    "GET /api/session/ways": "open",
    "POST /api/invitations/reading": "open",
    "POST /api/invitations/acceptance": "open",
    # Who one is
    "GET /api/session": "read",
    "DELETE /api/session": "self",
    "POST /api/session/links": "self",
    "PUT /api/session/password": "self",
    "GET /api/sessions": "self",
    "DELETE /api/sessions": "self",
    "DELETE /api/sessions/{session_id}": "self",
    "GET /api/tokens": "self",
    "POST /api/tokens": "self",
    "POST /api/tokens/{token_id}/revocation": "self",
    # People
    "POST /api/people/first": "administer",
    "GET /api/people": "administer",
    "POST /api/people": "administer",
    "GET /api/people/names": "read",
    "PATCH /api/people/{person_id}": "administer",
    "DELETE /api/people/{person_id}": "administer",
    "POST /api/people/{person_id}/links": "administer",
    "DELETE /api/people/{person_id}/sessions": "administer",
    # The studio
    "GET /api/system": "read",
    "GET /api/schemas/recipe": "read",
    "GET /api/schemas/generation": "read",
    "GET /api/jobs": "read",
    "GET /api/jobs/{job_id}": "read",
    "POST /api/jobs/{job_id}/move": "train",
    "GET /api/events": "read",
    "GET /api/jobs/{job_id}/events": "read",
    "GET /metrics": "read",
    "GET /api/metrics": "administer",
    "GET /api/logs": "administer",
    "GET /api/system/support-bundle": "administer",
    "GET /api/settings": "administer",
    "PATCH /api/settings": "administer",
    "GET /api/settings/defaults": "read",
    "GET /api/settings/changes": "administer",
    "POST /api/settings/changes/{change_id}/undo": "administer",
    "GET /api/settings/export": "administer",
    "POST /api/settings/import": "administer",
    "GET /api/flags": "administer",
    "PUT /api/flags/{name}": "administer",
    "DELETE /api/flags/{name}": "administer",
    "GET /api/audit": "administer",
    "GET /api/audit/filters": "administer",
    "GET /api/audit/verification": "administer",
    "GET /api/audit/export": "administer",
    "GET /api/alerts": "administer",
    "POST /api/alerts/trial": "administer",
    "POST /api/alerts/{alert_id}/clearing": "administer",
    "GET /api/storage": "administer",
    "POST /api/storage/cleanings": "administer",
    "GET /api/backups": "administer",
    "POST /api/backups": "administer",
    "POST /api/backups/{backup_id}/verification": "administer",
    "DELETE /api/backups/{backup_id}": "administer",
    # Whose things are, and what people may use
    "GET /api/sharing/{kind}/{thing_id}": "read",
    "PUT /api/sharing/{kind}/{thing_id}": "create",
    "PUT /api/sharing/{kind}/{thing_id}/owner": "create",
    "GET /api/quotas/mine": "read",
    "GET /api/quotas": "administer",
    "PUT /api/quotas/everybody": "administer",
    "PUT /api/quotas/people/{person_id}": "administer",
    # Images
    "POST /api/images": "create",
    "GET /api/images/{image_id}": "read",
    "GET /api/images/{image_id}/file": "read",
    "GET /api/images/{image_id}/thumbnails/{size}": "read",
    "GET /api/gallery/ids": "read",
    "POST /api/gallery/records": "read",
    "PATCH /api/gallery/{image_id}": "create",
    "DELETE /api/gallery/{image_id}": "create",
    "POST /api/gallery/{image_id}/restoration": "create",
    # Datasets
    "GET /api/samples": "read",
    "GET /api/samples/{name}/cover": "read",
    "GET /api/datasets": "read",
    "POST /api/datasets": "create",
    "GET /api/datasets/{dataset_id}": "read",
    "PATCH /api/datasets/{dataset_id}": "create",
    "DELETE /api/datasets/{dataset_id}": "create",
    "POST /api/datasets/{dataset_id}/restoration": "create",
    "GET /api/datasets/{dataset_id}/images": "read",
    "POST /api/datasets/{dataset_id}/images": "create",
    "PATCH /api/datasets/{dataset_id}/images": "create",
    "POST /api/datasets/{dataset_id}/images/known": "create",
    "POST /api/datasets/{dataset_id}/archives": "create",
    "PATCH /api/datasets/{dataset_id}/images/{dataset_image_id}": "create",
    "DELETE /api/datasets/{dataset_id}/images/{dataset_image_id}": "create",
    "POST /api/datasets/{dataset_id}/images/{dataset_image_id}/restoration": "create",
    "GET /api/datasets/{dataset_id}/check": "read",
    "POST /api/datasets/{dataset_id}/fixes": "create",
    "GET /api/datasets/{dataset_id}/grid": "read",
    "POST /api/datasets/{dataset_id}/grid/records": "read",
    "GET /api/datasets/{dataset_id}/grid/changes": "read",
    "PUT /api/datasets/{dataset_id}/edits": "create",
    "POST /api/datasets/{dataset_id}/crops": "create",
    "GET /api/datasets/{dataset_id}/training-view": "read",
    "GET /api/datasets/{dataset_id}/manifest": "read",
    "POST /api/datasets/{dataset_id}/copies": "create",
    "GET /api/datasets/{dataset_id}/export": "create",
    "GET /api/datasets/{dataset_id}/snapshots": "read",
    "GET /api/datasets/{dataset_id}/snapshots/{snapshot}": "read",
    "GET /api/datasets/{dataset_id}/snapshots/{snapshot}/difference": "read",
    # Captions
    "POST /api/datasets/{dataset_id}/captions/preview": "create",
    "POST /api/datasets/{dataset_id}/captions/steps": "create",
    "GET /api/datasets/{dataset_id}/captions/steps": "read",
    "POST /api/datasets/{dataset_id}/captions/undo": "create",
    "POST /api/datasets/{dataset_id}/captions/redo": "create",
    "GET /api/datasets/{dataset_id}/captions/frequencies": "read",
    "GET /api/datasets/{dataset_id}/images/{dataset_image_id}/captions": "read",
    "POST /api/datasets/{dataset_id}/captions/counts": "read",
    "POST /api/datasets/{dataset_id}/captions/jobs": "create",
    "GET /api/datasets/{dataset_id}/captions/jobs": "read",
    "POST /api/datasets/{dataset_id}/captions/jobs/cancellation": "create",
    "GET /api/captioners": "read",
    "GET /api/captioners/endpoints": "read",
    "POST /api/captioners/endpoints": "administer",
    "DELETE /api/captioners/endpoints/{name}": "administer",
    "GET /api/captioners/prompts": "read",
    "PUT /api/captioners/prompts/{mode}": "create",
    # Models
    "GET /api/bases": "read",
    "GET /api/models": "read",
    "GET /api/models/page": "read",
    "GET /api/models/{model_id}": "read",
    "PATCH /api/models/{model_id}": "train",
    "DELETE /api/models/{model_id}": "train",
    "POST /api/models/{model_id}/restoration": "train",
    "POST /api/models/imports": "train",
    "GET /api/models/{model_id}/versions/{version_id}/file": "create",
    "GET /api/models/{model_id}/versions/{version_id}/export": "create",
    "GET /api/models/{model_id}/versions/{version_id}/card": "read",
    "GET /api/models/{model_id}/deployment": "read",
    "PUT /api/models/{model_id}/deployment": "train",
    "DELETE /api/models/{model_id}/deployment": "train",
    "POST /api/models/{model_id}/deployment/lookup": "train",
    "POST /api/models/{model_id}/deployment/probe": "train",
    "GET /api/deployments": "read",
    "GET /api/deployments/at-bfl": "read",
    "POST /api/deployments": "train",
    "GET /api/models/{model_id}/parity": "read",
    "POST /api/models/{model_id}/parity": "train",
    "POST /api/models/{model_id}/parity/estimate": "train",
    "GET /api/models/{model_id}/parity/{parity_id}": "read",
    "POST /api/models/{model_id}/parity/{parity_id}/cancellation": "train",
    # Recipes
    "POST /api/recipes/read": "read",
    "GET /api/templates": "read",
    "POST /api/templates": "train",
    "POST /api/templates/import": "train",
    "GET /api/templates/{template_id}": "read",
    "PATCH /api/templates/{template_id}": "train",
    "DELETE /api/templates/{template_id}": "train",
    "GET /api/templates/{template_id}/file": "read",
    # Finetunes
    "GET /api/finetunes": "read",
    "POST /api/finetunes": "train",
    "POST /api/finetunes/plans": "train",
    "POST /api/finetunes/probes": "train",
    "GET /api/finetunes/probes/{probe_id}": "train",
    "GET /api/finetunes/compare": "read",
    "GET /api/finetunes/{finetune_id}": "read",
    "DELETE /api/finetunes/{finetune_id}": "train",
    "POST /api/finetunes/{finetune_id}/restoration": "train",
    "POST /api/finetunes/{finetune_id}/stop": "train",
    "POST /api/finetunes/{finetune_id}/cancellation": "train",
    "POST /api/finetunes/{finetune_id}/pause": "train",
    "POST /api/finetunes/{finetune_id}/resumption": "train",
    "POST /api/finetunes/{finetune_id}/sample": "train",
    "POST /api/finetunes/{finetune_id}/save": "train",
    "POST /api/finetunes/{finetune_id}/extend": "train",
    "POST /api/finetunes/{finetune_id}/restart": "train",
    "GET /api/finetunes/{finetune_id}/loss": "read",
    "GET /api/finetunes/{finetune_id}/validation": "read",
    "GET /api/finetunes/{finetune_id}/image-losses": "read",
    "GET /api/finetunes/{finetune_id}/recipe": "read",
    "GET /api/finetunes/{finetune_id}/samples": "read",
    "GET /api/finetunes/{finetune_id}/checkpoints": "read",
    "GET /api/finetunes/{finetune_id}/checkpoints/{step}/file": "create",
    "POST /api/finetunes/{finetune_id}/checkpoints/{step}/version": "train",
    "GET /api/finetunes/{finetune_id}/log": "read",
    "GET /api/finetunes/{finetune_id}/health": "read",
    "POST /api/finetunes/{finetune_id}/health": "train",
    "POST /api/finetunes/{finetune_id}/health/cancellation": "train",
    # Generations
    "POST /api/generations": "create",
    "POST /api/generations/estimate": "create",
    "GET /api/generations": "read",
    "GET /api/generations/{generation_id}": "read",
    "POST /api/generations/{generation_id}/cancellation": "create",
    "POST /api/generations/{generation_id}/retry": "create",
    # Hosted models and other computers
    "GET /api/hosted/models": "read",
    "GET /api/hosted/status": "read",
    "GET /api/hosted/accounts": "administer",
    "POST /api/hosted/keys": "administer",
    "DELETE /api/hosted/keys/{name}": "administer",
    "PUT /api/hosted/budget": "administer",
    "GET /api/hosted/ledger": "administer",
    "GET /api/hosted/not-delivered": "administer",
    "GET /api/hosted/ledger.csv": "administer",
    "GET /api/servers": "read",
    "GET /api/servers/models": "read",
    "POST /api/servers": "administer",
    "POST /api/servers/{server_id}/test": "administer",
    "DELETE /api/servers/{server_id}": "administer",
    # BFL's API
    "POST /v1/finetune": "train",
    "GET /v1/finetune_details": "read",
    "GET /v1/my_finetunes": "read",
    "POST /v1/delete_finetune": "train",
    "GET /v1/get_result": "read",
    "GET /v1/credits": "read",
    "GET /v1/fluxtune": "read",
    "GET /v1/fluxtune/adapter": "create",
    "POST /v1/fluxtune/cancel": "create",
    "POST /v1/fluxtune/stop": "train",
    "POST /v1/fluxtune/pause": "train",
    "POST /v1/fluxtune/resume": "train",
    "POST /v1/fluxtune/sample": "train",
    "POST /v1/fluxtune/save": "train",
    "GET /v1/fluxtune/progress": "read",
    "GET /v1/samples/{image_id}.{form}": "open",
    "HEAD /v1/samples/{image_id}.{form}": "open",
}
DRAWING: Rule = "create"
"""The rule of BFL's drawing endpoints, of which each base adds some: `POST /v1/flux-…` and `/v1/fluxtune/draw`."""


class RoleTooLow(NotAllowed):
    """The role of whoever asks does not hold the rule of a route."""

    title = "Your role does not allow this"
    action = "Ask an administrator of this studio, who can change your role under Admin, People."


class TokenTooNarrow(NotAllowed):
    """The token that was shown is not for this."""

    title = "This token is not for that"
    action = "Make a token with that scope under Admin, Access; what a token may do can't be changed later."


def rule_of(method: str, path: str) -> Rule | None:
    """Return the rule of a route, by its method and path template; None closes it to everybody."""
    if method == "POST" and (path.startswith(f"{CONTRACT}/flux-") or path == f"{CONTRACT}/fluxtune/draw"):
        return DRAWING
    return RULES.get(f"{method} {path}")


def permissions_of(actor: Actor) -> list[Rule]:
    """Return the rules an actor holds: those of the role, fewer where a token was shown."""
    held = GRANTS[actor.role]
    return [rule for rule in held if actor.scopes is None or rule in actor.scopes]


def check(actor: Actor, rule: Rule | None, *, is_contract: bool = False) -> None:
    """Raise `NotAllowed` unless an actor may use a route with this rule; None, a forgotten one, nobody may."""
    if rule == "open":
        return
    if rule is None:
        raise NotAllowed("Nobody has said who may use this address.", action="Report it; it is a fault of fluxtune.")
    if rule not in GRANTS[actor.role]:
        needed = next(role for role in ROLES if rule in GRANTS[role])
        raise RoleTooLow(f"It takes a role of {needed} or more; yours is {actor.role}.")
    allows_all = actor.scopes is None or (is_contract and CONTRACT_SCOPE in actor.scopes)
    if not allows_all and rule not in (actor.scopes or ()):
        reason = "no token may" if rule == "self" else f"it does not have the scope “{rule}”"
        raise TokenTooNarrow(f"You may do this, but not with this token: {reason}.")


class Guard:
    """Stands before one route and lets in whoever its rule allows."""

    def __init__(self, app: ASGIApp, rules: dict[str, Rule | None], *, is_contract: bool) -> None:
        self.app = app
        self.rules = rules
        self.is_contract = is_contract

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request if `acting()` may use the route."""
        check(acting(), self.rules.get(scope["method"]), is_contract=self.is_contract)
        await self.app(scope, receive, send)


def guard(routes: Iterable[BaseRoute], prefix: str = "") -> list[BaseRoute]:
    """Put its guard before each route and return the routes; doing it twice changes nothing."""
    guarded = list(routes)
    for route in guarded:
        if isinstance(route, Route) and not isinstance(route.app, Guard):
            rules = {method: rule_of(method, f"{prefix}{route.path}") for method in route.methods or ()}
            route.app = Guard(route.app, rules, is_contract=prefix == CONTRACT)
    return guarded

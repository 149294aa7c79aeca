"""The models of servers: what one can draw with there, and the endpoints that do."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fluxtune.backends.fluxtune.answers import Discovered
from fluxtune.engine.bases import BaseDescription
from fluxtune.models.bases import as_model
from fluxtune.models.schemas import Model
from fluxtune.servers.tables import ServerModelRow, ServerRow

PREFIX = "at:"
"""Before a row's id it makes the id of a model one can generate with."""
SEPARATOR = " · "
"""Between a model's name and its server's."""
PLAIN_BASES = ("flux-2-klein-4b", "flux-2-klein-9b", "flux-dev")
"""Endpoints of BFL's that draw without a finetune, for servers that don't say which bases they have."""
PLAIN_FINETUNED = (
    "flux-pro-finetuned",
    "flux-2-klein-base-4b-finetuned",
    "flux-2-klein-4b-finetuned",
    "flux-2-klein-base-9b-finetuned",
    "flux-2-klein-9b-finetuned",
    "flux-pro-1.1-ultra-finetuned",
)
"""Endpoints of BFL's that draw with a finetune: the first that a server describes is used, the first where it has no
description."""
_ELSEWHERE = Path("elsewhere")
_UNKNOWN: dict[str, Any] = {
    "title": "a base of the server's own",
    "description": "",
    "licence": "see the server",
    "family": "flux1",
    "pipeline_class": "",
    "is_ready": True,
    "missing": None,
    "is_small": False,
    "default_steps": 28,
    "default_guidance": 3.0,
    "default_width": 1024,
    "default_height": 768,
    "max_width": 1440,
    "max_height": 1440,
    "max_prompt_tokens": 512,
    "text_encoder_out_layers": None,
    "train_timestep_sampling": {},
    "transformer_bytes": 0,
    "text_encoder_bytes": 0,
    "vae_bytes": 0,
    "fingerprint": "",
}
"""What a server's base is taken for that nobody has described: sizes as BFL's old API had them."""


def is_elsewhere(model_id: str) -> bool:
    """Return whether a model's id means one at a server."""
    return model_id.startswith(PREFIX)


def bases_of(facts: Discovered) -> dict[str, BaseDescription]:
    """Return the bases a server has described, by name; what a newer server says otherwise is left out."""
    found: dict[str, BaseDescription] = {}
    for described in facts.described_bases:
        try:
            base = BaseDescription.model_validate({**described, "path": _ELSEWHERE, "parts_path": None})
        except ValidationError:
            continue
        if len(base.name) <= 64:
            found[base.name] = base
    return found


def base_named(facts: Discovered, name: str) -> BaseDescription:
    """Return a server's base as far as it is known: described, or taken for what BFL had."""
    known = bases_of(facts).get(name)
    return known or BaseDescription.model_validate({"name": name or "unknown", "path": _ELSEWHERE, **_UNKNOWN})


def drawing_endpoint(facts: Discovered, row: ServerModelRow) -> str:
    """Return the endpoint that draws with a model of a server."""
    if facts.can("draw"):
        return "fluxtune/draw"
    if row.kind == "base":
        return row.remote_id
    served = [name for name in PLAIN_FINETUNED if name in facts.endpoints]
    return served[0] if served else PLAIN_FINETUNED[0]


def plain_bases(facts: Discovered) -> list[str]:
    """Return the endpoints that draw without a finetune at a server that describes no bases."""
    return [name for name in PLAIN_BASES if name in facts.endpoints]


def to_model(row: ServerModelRow, server: ServerRow) -> Model:
    """Return a model of a server as the catalogue shows models; it can be drawn with while its server answers."""
    facts = Discovered.model_validate(server.facts)
    base = base_named(facts, row.base)
    missing = f"{server.name} can't be used: {server.problem['title']}." if server.problem else None
    return as_model(base, 0, None).model_copy(
        update={
            "id": PREFIX + row.id,
            "name": f"{row.name}{SEPARATOR}{server.name}",
            "kind": row.kind,
            "trigger_word": row.trigger_word,
            "description": f"At {server.name}. {base.description}".strip(),
            "least_strength": 0.0,
            "most_strength": 1.5 if row.kind == "finetuned" else 0.0,
            "is_ready": missing is None,
            "missing": missing,
            "created_at": row.created_at,
        }
    )

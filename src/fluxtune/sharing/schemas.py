"""Who may see a thing, as the API shows and takes it."""

from dataclasses import dataclass, field
from typing import Literal

from fluxtune.core.actor import Actor

Kind = Literal["dataset", "finetune", "model", "generation", "image"]
"""What can be somebody's. The images of a dataset, finetune, model or generation follow it; "image" is one that was
uploaded to start generations from."""
Access = Literal["see", "change"]
Thing = tuple[Kind, str]
"""Kind and id."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may do what with a thing. Without an owner it is everyone's, to see and to change."""

    owner_id: str | None = None
    everyone: Access | None = "change"
    people: dict[str, Access] = field(default_factory=dict)

    def admits(self, actor: Actor, access: Access = "see") -> bool:
        """Return whether somebody may see, or change, the thing."""
        if actor.is_administrator or (self.owner_id is not None and actor.id == self.owner_id):
            return True
        enough = ("see", "change") if access == "see" else ("change",)
        return self.everyone in enough or self.people.get(actor.id) in enough


EVERYONES = Audience()
"""Of things that were made before there were people."""

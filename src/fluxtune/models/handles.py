"""What finetuned models are called: for programs that name one of thousands, of which only one is then read whole."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from fluxtune.models import repository


@dataclass(frozen=True, slots=True)
class Handle:
    """A model outside the trash by the names it goes by."""

    id: str
    name: str
    finetune_id: str | None


def list_handles(session: Session) -> list[Handle]:
    """Return the models the actor may see, newest first; of each three columns are read."""
    return [Handle(*row) for row in repository.list_handles(session)]

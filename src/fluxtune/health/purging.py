"""Health reports of finetunes that are removed for good."""

from sqlalchemy.orm import Session

from fluxtune.health import repository


def forget_finetune(session: Session, finetune_id: str) -> list[str]:
    """Remove a finetune's report; return the images it showed. The jobs go with the finetune's own."""
    return repository.remove(session, finetune_id)

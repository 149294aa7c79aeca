"""Generations whose images were removed for good."""

from sqlalchemy.orm import Session

from fluxtune.generations import repository
from fluxtune.jobs import service as jobs
from fluxtune.sharing import service as sharing


def forget_image(session: Session, image_id: str) -> None:
    """Forget an image; a generation that has ended and has none left goes with it, prompt and all."""
    for generation_id in repository.forget_image(session, image_id):
        if not jobs.is_at_work_on(session, generation_id):
            repository.remove(session, generation_id)
            jobs.forget(session, [generation_id])
            sharing.forget(session, "generation", [generation_id])

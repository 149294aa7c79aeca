"""Every query about generations."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fluxtune.generations.tables import GenerationImageRow, GenerationRow
from fluxtune.sharing import service as sharing


def find_generation(session: Session, generation_id: str) -> GenerationRow | None:
    """Return one generation."""
    return session.get(GenerationRow, generation_id)


def list_generations(session: Session, limit: int) -> list[GenerationRow]:
    """Return generations, newest first."""
    query = select(GenerationRow).order_by(GenerationRow.id.desc()).limit(limit)
    return list(session.scalars(sharing.only_visible(query, "generation", GenerationRow.id)))


def list_images(session: Session, generation_ids: Iterable[str]) -> dict[str, dict[int, str]]:
    """Return the finished images of some generations: image id by index."""
    query = select(GenerationImageRow).where(GenerationImageRow.generation_id.in_(list(generation_ids)))
    images: dict[str, dict[int, str]] = defaultdict(dict)
    for row in session.scalars(query):
        images[row.generation_id][row.index] = row.image_id
    return images


def find_image(session: Session, generation_id: str, index: int) -> GenerationImageRow | None:
    """Return a finished image of a generation."""
    return session.get(GenerationImageRow, (generation_id, index))


def add(session: Session, row: GenerationRow | GenerationImageRow) -> None:
    """Add a row."""
    session.add(row)
    session.flush()


def forget_image(session: Session, image_id: str) -> list[str]:
    """Forget an image that was removed for good; return the generations that have none left."""
    query = select(GenerationImageRow.generation_id).where(GenerationImageRow.image_id == image_id)
    touched = session.scalars(query).all()
    session.execute(delete(GenerationImageRow).where(GenerationImageRow.image_id == image_id))
    return [generation_id for generation_id in touched if not list_images(session, [generation_id])]


def remove(session: Session, generation_id: str) -> None:
    """Remove a generation that has no images."""
    session.execute(delete(GenerationRow).where(GenerationRow.id == generation_id))

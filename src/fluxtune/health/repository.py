"""Every query about health reports."""

from collections.abc import Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fluxtune.health.tables import HealthImageRow, HealthReportRow


def find_report(session: Session, finetune_id: str) -> HealthReportRow | None:
    """Return the report of a finetune, or the row that waits for it."""
    return session.get(HealthReportRow, finetune_id)


def list_images(session: Session, finetune_id: str) -> dict[str, str]:
    """Return the ids of a report's images by file name."""
    query = select(HealthImageRow).where(HealthImageRow.finetune_id == finetune_id)
    return {row.file: row.image_id for row in session.scalars(query)}


def add(session: Session, row: HealthReportRow) -> None:
    """Add a report."""
    session.add(row)
    session.flush()


def replace_images(session: Session, finetune_id: str, images: Mapping[str, str]) -> None:
    """Make these, image ids by file name, the images of a report."""
    session.execute(delete(HealthImageRow).where(HealthImageRow.finetune_id == finetune_id))
    session.add_all(
        HealthImageRow(finetune_id=finetune_id, file=file, image_id=image_id) for file, image_id in images.items()
    )
    session.flush()


def remove(session: Session, finetune_id: str) -> list[str]:
    """Remove a finetune's report; return the ids of its images."""
    images = list(list_images(session, finetune_id).values())
    session.execute(delete(HealthImageRow).where(HealthImageRow.finetune_id == finetune_id))
    session.execute(delete(HealthReportRow).where(HealthReportRow.finetune_id == finetune_id))
    return images

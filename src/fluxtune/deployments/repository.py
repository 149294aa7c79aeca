"""Every query about parity checks."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fluxtune.deployments.tables import ParityRow


def add(session: Session, row: ParityRow) -> None:
    """Add a check."""
    session.add(row)
    session.flush()


def find_parity(session: Session, model_id: str, parity_id: str) -> ParityRow | None:
    """Return one check of a model."""
    row = session.get(ParityRow, parity_id)
    return row if row is not None and row.model_id == model_id else None


def list_parities(session: Session, model_id: str, limit: int) -> list[ParityRow]:
    """Return the checks of a model, newest first."""
    query = select(ParityRow).where(ParityRow.model_id == model_id).order_by(ParityRow.id.desc()).limit(limit)
    return list(session.scalars(query))


def remove_of_model(session: Session, model_id: str) -> None:
    """Remove all checks of a model; the images stay in the gallery."""
    session.execute(delete(ParityRow).where(ParityRow.model_id == model_id))

"""Every query about what came in under `/v1`."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from fluxtune.contract.tables import ContractTaskRow


def add(session: Session, row: ContractTaskRow) -> None:
    """Add a task."""
    session.add(row)
    session.flush()


def find_task(session: Session, task_id: str) -> ContractTaskRow | None:
    """Return a task by its id."""
    return session.get(ContractTaskRow, task_id)


def list_active(session: Session) -> list[ContractTaskRow]:
    """Return the tasks that were not seen to have ended, oldest first."""
    query = select(ContractTaskRow).where(ContractTaskRow.ended_at.is_(None)).order_by(ContractTaskRow.id)
    return list(session.scalars(query))

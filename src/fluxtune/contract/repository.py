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


def list_active(session: Session, *, take: bool = False) -> list[ContractTaskRow]:
    """Return the tasks that were not seen to have ended, oldest first.

    With `take` nobody else gets them until the transaction ends, and those that somebody else has are left out.
    """
    query = select(ContractTaskRow).where(ContractTaskRow.ended_at.is_(None)).order_by(ContractTaskRow.id)
    return list(session.scalars(query.with_for_update(skip_locked=True) if take else query))


def find_by_key(session: Session, key: str) -> ContractTaskRow | None:
    """Return the finetune that was asked for with a key of the program's own."""
    query = select(ContractTaskRow).where(
        ContractTaskRow.kind == "finetune", ContractTaskRow.request["fluxtune"]["key"].as_string() == key
    )
    return session.scalars(query.limit(1)).first()

"""Every query about caption servers and prompts."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from fluxtune.captioning.tables import CaptionEndpointRow, CaptionPromptRow


def list_endpoints(session: Session) -> list[CaptionEndpointRow]:
    """Return the servers, oldest first."""
    return list(session.scalars(select(CaptionEndpointRow).order_by(CaptionEndpointRow.created_at)))


def find_endpoint(session: Session, name: str) -> CaptionEndpointRow | None:
    """Return the server of this name or id."""
    query = select(CaptionEndpointRow).where((CaptionEndpointRow.name == name) | (CaptionEndpointRow.id == name))
    return session.scalars(query).first()


def add(session: Session, row: CaptionEndpointRow | CaptionPromptRow) -> None:
    """Add a row."""
    session.add(row)
    session.flush()


def remove(session: Session, row: CaptionEndpointRow | CaptionPromptRow) -> None:
    """Remove a row."""
    session.delete(row)
    session.flush()


def list_prompts(session: Session) -> dict[str, str]:
    """Return the edited prompts by mode."""
    return {row.mode: row.text for row in session.scalars(select(CaptionPromptRow))}


def find_prompt(session: Session, mode: str) -> CaptionPromptRow | None:
    """Return the edited prompt of a mode."""
    return session.get(CaptionPromptRow, mode)

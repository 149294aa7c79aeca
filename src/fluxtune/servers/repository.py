"""Every query about servers and the models there."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fluxtune.servers.tables import ServerModelRow, ServerRow


def list_servers(session: Session) -> list[ServerRow]:
    """Return all servers, oldest first."""
    return list(session.scalars(select(ServerRow).order_by(ServerRow.id)))


def find_server(session: Session, server_id: str) -> ServerRow | None:
    """Return a server by its id."""
    return session.get(ServerRow, server_id)


def find_by_name(session: Session, name: str) -> ServerRow | None:
    """Return a server by its name."""
    return session.scalars(select(ServerRow).where(ServerRow.name == name)).first()


def add(session: Session, row: ServerRow | ServerModelRow) -> None:
    """Add a server or one of its models."""
    session.add(row)
    session.flush()


def remove_server(session: Session, row: ServerRow) -> None:
    """Remove a server and what is known of its models."""
    session.execute(delete(ServerModelRow).where(ServerModelRow.server_id == row.id))
    session.delete(row)
    session.flush()


def list_models(session: Session, server_id: str | None = None) -> list[ServerModelRow]:
    """Return the models of one server or of all, newest first."""
    query = select(ServerModelRow).order_by(ServerModelRow.id.desc())
    return list(session.scalars(query if server_id is None else query.where(ServerModelRow.server_id == server_id)))


def find_model(session: Session, model_id: str) -> ServerModelRow | None:
    """Return a model by its id."""
    return session.get(ServerModelRow, model_id)


def remove_models(session: Session, ids: Sequence[str]) -> None:
    """Forget models that a server has no more."""
    session.execute(delete(ServerModelRow).where(ServerModelRow.id.in_(ids)))

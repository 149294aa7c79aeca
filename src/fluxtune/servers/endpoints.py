"""Servers of one's own: add, test, remove, and the models there."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem
from fluxtune.db import Database, get_database, get_session
from fluxtune.models.schemas import Model
from fluxtune.servers import service
from fluxtune.servers.schemas import Server, ServerCreate
from fluxtune.servers.service import ServerService


async def get_service(
    session: Annotated[Session, Depends(get_session, scope="function")],
    settings: Annotated[Settings, Depends(get_settings)],
) -> ServerService:
    """Return the servers of this request."""
    return ServerService(session, settings)


Servers = Annotated[ServerService, Depends(get_service)]
DatabaseDep = Annotated[Database, Depends(get_database)]
SettingsDep = Annotated[Settings, Depends(get_settings)]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such server."}}
CONFLICT: Responses = {409: {"model": Problem, "description": "The token is not accepted, or the name is taken."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}
NOT_READY: Responses = {503: {"model": Problem, "description": "The server can't be reached, or is none."}}

router = APIRouter(prefix="/api/servers", tags=["servers"], responses=INVALID)


@router.get("")
def list_servers(servers: Servers) -> list[Server]:
    """List servers as they were when they were asked last. Asks nobody."""
    return servers.list_servers()


@router.post("", status_code=201, responses={**CONFLICT, **NOT_READY})
def add_server(create: ServerCreate, database: DatabaseDep, settings: SettingsDep) -> Server:
    """Try a server, find out what it can do, and store it; its token encrypted."""
    return service.add_server(database, settings, create)


@router.get("/models")
def list_server_models(servers: Servers) -> list[Model]:
    """List what one can draw with at servers: finetunes, newest first, then bases."""
    return servers.list_models()


@router.post("/{server_id}/test", responses={**NOT_FOUND, **NOT_READY})
def test_server(server_id: str, database: DatabaseDep, settings: SettingsDep) -> Server:
    """Ask a server anew; that it does not answer is in `problem`."""
    return service.test_server(database, settings, server_id)


@router.delete("/{server_id}", status_code=204, responses=NOT_FOUND)
def remove_server(server_id: str, servers: Servers) -> None:
    """Forget a server and its token."""
    servers.remove_server(server_id)

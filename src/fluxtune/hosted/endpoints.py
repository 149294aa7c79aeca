"""Hosted images: models, keys, budget, ledger."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem, TooLarge
from fluxtune.db import Database, get_database, get_session
from fluxtune.hosted.hooks import MAX_BYTES, PATH, Hooks
from fluxtune.hosted.schemas import (
    Budget,
    HostedAccount,
    HostedKeyCreate,
    HostedModel,
    HostedStatus,
    LedgerPage,
    LineState,
)
from fluxtune.hosted.service import HostedService, list_models


async def get_service(
    session: Annotated[Session, Depends(get_session, scope="function")],
    settings: Annotated[Settings, Depends(get_settings)],
) -> HostedService:
    """Return the hosted part of this request."""
    return HostedService(session, settings)


Hosted = Annotated[HostedService, Depends(get_service)]
Before = Annotated[str | None, Query(max_length=32, description="Id of the last line of the page before.")]
Limit = Annotated[int, Query(ge=1, le=500)]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such thing."}}
CONFLICT: Responses = {409: {"model": Problem, "description": "The key is not accepted, or its name is taken."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}
NOT_READY: Responses = {503: {"model": Problem, "description": "The server can't be reached."}}
CSV: Responses = {200: {"content": {"text/csv": {}}, "description": "The ledger, oldest line first."}}

router = APIRouter(prefix="/api/hosted", tags=["hosted"], responses=INVALID)


hooks_router = APIRouter(prefix=PATH, include_in_schema=False)
"""Not under `/api`: who knocks here is not signed in, and shows a signature instead."""


@router.get("/models")
def list_hosted_models(session: Annotated[Session, Depends(get_session, scope="function")]) -> list[HostedModel]:
    """List every hosted model one may use: parameters, price, and for how long it may be expected to work."""
    return list_models(session)


@router.get("/status")
def get_hosted_status(hosted: Hosted) -> HostedStatus:
    """Show keys, budget and what was spent."""
    return hosted.get_status()


@router.get("/accounts")
def list_hosted_accounts(hosted: Hosted) -> list[HostedAccount]:
    """Ask the server of every key how many credits are left."""
    return hosted.list_accounts()


@router.post("/keys", status_code=201, responses={**CONFLICT, **NOT_READY})
def add_hosted_key(create: HostedKeyCreate, hosted: Hosted) -> HostedAccount:
    """Try a key, then store it encrypted. It is never shown again."""
    key, left = hosted.keys.test_and_add(create)
    return HostedAccount(key=key, credits=left, error=None)


@router.delete("/keys/{name}", status_code=204, responses=NOT_FOUND)
def remove_hosted_key(name: str, hosted: Hosted) -> None:
    """Forget a key."""
    hosted.keys.remove(name)


@router.put("/budget")
def set_hosted_budget(budget: Budget, hosted: Hosted) -> Budget:
    """Replace what may be spent."""
    return hosted.set_budget(budget)


@router.get("/ledger")
def list_ledger(hosted: Hosted, state: LineState | None = None, before: Before = None, limit: Limit = 50) -> LedgerPage:
    """List paid requests, newest first."""
    return hosted.list_lines(state, before, limit)


@router.get("/not-delivered")
def list_not_delivered(hosted: Hosted, before: Before = None, limit: Limit = 50) -> LedgerPage:
    """List what may have been paid and was not delivered, newest first."""
    return hosted.list_not_delivered(before, limit)


@router.get("/ledger.csv", response_class=StreamingResponse, responses=CSV)
def download_ledger(
    database: Annotated[Database, Depends(get_database)], settings: Annotated[Settings, Depends(get_settings)]
) -> StreamingResponse:
    """Download the whole ledger."""

    def lines() -> Iterator[str]:
        with database.reading() as session:
            yield from HostedService(session, settings).write_csv()

    headers = {"content-disposition": 'attachment; filename="fluxtune-ledger.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


@hooks_router.post("/{line_id}/{token}")
async def receive_webhook(
    request: Request,
    line_id: str,
    token: str,
    database: Annotated[Database, Depends(get_database)],
    settings: Annotated[Settings, Depends(get_settings)],
    signature: Annotated[str, Header(alias="x-bfl-signature", max_length=200)] = "",
) -> dict[str, bool]:
    """Take note that BFL has news of a request; answer whether it was."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise TooLarge("No webhook is as large.", action="Send what BFL sends.")

    def take() -> bool:
        with database.transaction(durable=True) as session:
            return Hooks(settings).receive(session, line_id, token, signature, body)

    return {"news": await run_in_threadpool(take)}

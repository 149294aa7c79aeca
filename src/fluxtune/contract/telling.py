"""Tells programs that their tasks have ended: whoever ended them, and however, each is told once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from fluxtune.config import Settings
from fluxtune.contract import repository
from fluxtune.contract.links import LinkSigner
from fluxtune.contract.records import ACTIVE
from fluxtune.contract.results import format_of, reason_of, sample_of
from fluxtune.contract.tables import ContractTaskRow
from fluxtune.core.clock import now
from fluxtune.db import ChangeWatch, Database
from fluxtune.generations.service import GenerationService
from fluxtune.jobs import service as jobs
from fluxtune.jobs.schemas import Job
from fluxtune.models.service import ModelService
from fluxtune.storage import Blobs
from fluxtune.webhooks import service as webhooks
from fluxtune.webhooks.sender import Shape

EVENT = "bfl.result"
SIGNATURE = "x-bfl-signature"


class EndTeller:
    """Finds tasks that have ended and writes down their webhooks; the sender brings them out."""

    def __init__(self, settings: Settings, database: Database, blobs: Blobs) -> None:
        self._settings = settings
        self._database = database
        self._blobs = blobs
        self._watch = ChangeWatch(database)

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """How these webhooks look: as BFL's."""
        return {EVENT: Shape(SIGNATURE, self._body)}

    def is_any_untold(self) -> bool:
        """Return whether a task counts as active whose job has ended."""
        with self._database.reading() as session:
            return bool(_ended(session))

    def tell_ended(self) -> int:
        """Mark the tasks that have ended, and write down the webhooks of those that want one; return how many."""
        if not self._watch.has_changed():
            return 0
        with self._database.reading() as session:
            if not _ended(session):
                return 0
        with self._database.transaction() as session:
            ended = _ended(session, take=True)
            for row, job in ended:
                row.ended_at = now()
                if row.webhook_url is not None and job is not None:
                    self._tell(session, row, job)
        return len(ended)

    def _tell(self, session: Session, row: ContractTaskRow, job: Job) -> None:
        data = {"id": row.id, "origin": row.origin, **self._outcome(session, row, job)}
        patience = timedelta(hours=self._settings.webhooks.give_up_hours)
        webhooks.enqueue(session, row.id, EVENT, str(row.webhook_url), row.webhook_secret, data, patience)

    def _outcome(self, session: Session, row: ContractTaskRow, job: Job) -> dict[str, Any]:
        if job.state != "succeeded":
            reason = reason_of(job.state, job.error)
            return {"status": "Error", "error": job.error.title if job.error else job.state, "message": reason}
        if row.kind == "finetune":
            model = ModelService(session, self._blobs, self._settings).find_by_finetune(row.id)
            return {"status": "Ready", "result": {"finetune_id": row.id, "model_id": model.id if model else None}}
        made = sample_of(GenerationService(session, self._blobs, self._settings).get_generation(row.id))
        if made is None:
            return {"status": "Error", "error": "removed", "message": "The image was removed in the studio."}
        image_id, facts = made
        return {"status": "Ready", "result": facts, "image_id": image_id, "format": format_of(row)}

    def _body(self, data: dict[str, Any], at: datetime) -> dict[str, Any]:
        """Return what is sent at a time: the link in it is signed anew for every attempt."""
        body: dict[str, Any] = {key: data[key] for key in ("id", "status", "result", "error", "message") if key in data}
        if "image_id" in data:
            link = LinkSigner(self._settings).link(data["origin"], data["image_id"], data["format"], at)
            body["result"] = {"sample": link, **data["result"]}
        return {**body, "timestamp": at.isoformat()}


def _ended(session: Session, *, take: bool = False) -> list[tuple[ContractTaskRow, Job | None]]:
    """Return the tasks whose job has ended, or is gone for good."""
    rows = repository.list_active(session, take=take)
    known = jobs.get_many(session, [row.job_id for row in rows])
    found = [(row, known.get(row.job_id)) for row in rows]
    return [(row, job) for row, job in found if job is None or job.state not in ACTIVE]

"""What all services of `/v1` have in common: tasks, who asked, how many are active, which base is the usual one."""

import re
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from fluxtune.backends.local.readiness import describe_device
from fluxtune.config import Settings
from fluxtune.contract import repository
from fluxtune.contract.errors import FinetuneNotReady, TooManyTasks
from fluxtune.contract.inputs import Hook
from fluxtune.contract.schemas import Submitted
from fluxtune.contract.tables import ContractTaskRow
from fluxtune.core.clock import now
from fluxtune.core.text import clean_text
from fluxtune.jobs import service as jobs
from fluxtune.models.bases import usual_base
from fluxtune.models.handles import list_handles
from fluxtune.models.schemas import Model
from fluxtune.models.service import ModelService
from fluxtune.storage import Blobs
from fluxtune.webhooks.addresses import check_url

ACTIVE = ("queued", "running", "paused")
_SHARED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}/([^/]+)")
LONGEST_NAME = 120
FREE = 0.0
"""What everything costs: this is the user's own computer."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the name of their token, and the address they reached us by."""

    name: str
    origin: str


class ContractRecords:
    """Takes tasks up and finds models; what the services of `/v1` build on."""

    def __init__(self, session: Session, blobs: Blobs, settings: Settings) -> None:
        self._session = session
        self._blobs = blobs
        self._settings = settings
        self._models = ModelService(session, blobs, settings)

    def check_room(self) -> None:
        """Raise `TooManyTasks` when one more task would be too many."""
        rows = repository.list_active(self._session)
        known = jobs.get_many(self._session, [row.job_id for row in rows])
        count = sum(1 for row in rows if row.job_id in known and known[row.job_id].state in ACTIVE)
        limit = self._settings.contract.max_active
        if count >= limit:
            raise TooManyTasks(f"{count} tasks wait or run; at most {limit} may.")

    def check_hook(self, hook: Hook) -> None:
        """Raise `UrlRefused` for a webhook the studio does not send to."""
        if hook.webhook_url is not None:
            check_url(hook.webhook_url, allow_private=self._settings.webhooks.allow_private)

    def usual_base(self) -> str:
        """Return the name of the base of finetunes, and of endpoints whose own base is not here."""
        return self._settings.contract.base or usual_base(self._settings, describe_device()[0])

    def file(
        self,
        kind: Literal["finetune", "generation"],
        task_id: str,
        job_id: str,
        caller: Caller,
        endpoint: str,
        hook: Hook,
        request: dict[str, Any],
        details: dict[str, Any],
    ) -> ContractTaskRow:
        """Write down what was asked for and what it became."""
        secret = hook.webhook_secret.get_secret_value() if hook.webhook_secret and hook.webhook_url else None
        row = ContractTaskRow(
            id=task_id,
            kind=kind,
            endpoint=endpoint,
            job_id=job_id,
            actor=caller.name[:60],
            request=request,
            details=details,
            origin=caller.origin,
            webhook_url=hook.webhook_url,
            webhook_secret=self._settings.secrets.seal(secret) if secret else None,
            created_at=now(),
        )
        repository.add(self._session, row)
        return row

    def find_model(self, wanted: str) -> Model:
        """Return the model meant by a finetune's id, a model's id, or its name; raise `FinetuneNotReady`.

        Names as BFL takes them: lower case, with `-` or `_` for everything that is no letter or digit. Of `org/name`
        the name counts: there is one organisation here.
        """
        wanted = own_name(wanted)
        key = plain_id(wanted)
        model = self._models.find_by_finetune(key)
        if model is None or model.deleted_at is not None:
            known, called = list_handles(self._session), slug(wanted[:LONGEST_NAME])
            meant = [each for each in known if key == each.id or slug(each.name) == called != ""]
            if not meant or "/" in wanted:
                raise FinetuneNotReady(f"Nothing here is called “{wanted[:64]}”, or it is still being trained.")
            model = self._models.get_model(meant[0].id)
        return model


def submitted(row: ContractTaskRow, **facts: Any) -> dict[str, Any]:
    """Return the answer to an accepted request as values of `Submitted`."""
    answer = Submitted(id=row.id, polling_url=f"{row.origin}/v1/get_result?id={row.id}", cost=FREE, **facts)
    if row.webhook_url is not None:
        answer = answer.model_copy(update={"status": "Pending", "webhook_url": row.webhook_url})
    return answer.model_dump()


def plain_id(text: str) -> str:
    """Return an id as it is stored; programs may send it with the dashes of a UUID."""
    text = clean_text(text)[:64]
    try:
        return uuid.UUID(text).hex if len(text) in (32, 36) else text
    except ValueError:
        return text


def own_name(finetune_id: str) -> str:
    """Return a finetune's id or name without the organisation that BFL puts before those that are shared."""
    match = _SHARED.fullmatch(finetune_id)
    return match[1] if match else finetune_id


def slug(name: str) -> str:
    """Return a name in the letters BFL allows: lower case, digits, `-`; `_` counts as `-`."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")
